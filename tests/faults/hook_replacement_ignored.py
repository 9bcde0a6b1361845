# What a hook returns is thrown away.
_register = torch.Tensor.register_hook
torch.Tensor.register_hook = lambda self, hook: _register(self, lambda g: (hook(g), None)[1])
