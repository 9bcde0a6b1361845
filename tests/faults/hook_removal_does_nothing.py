# A removed hook is still called.
torch.utils.hooks.RemovableHandle.remove = lambda self: None
