"""Who is asked: the engines of this project, the adapters of all others, and the engines broken on purpose."""
