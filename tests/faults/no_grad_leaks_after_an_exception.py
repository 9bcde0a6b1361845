# A no_grad block that an exception leaves stays on.
_exit = torch.no_grad.__exit__
torch.no_grad.__exit__ = lambda self, kind, *rest: None if kind else _exit(self, kind, *rest)
