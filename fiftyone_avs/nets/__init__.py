"""Networks that no library has, as plain ``nn.Module``s: tensors in, tensors out, no files, no pictures.

Their ``state_dict()`` has the keys of the checkpoint that the authors published, so that it loads with
``strict=True``. Where transformers has a part (HTSAT, GPT-2, BART), that part is used, and the module's
``own_state`` renames the official keys; the load stays strict, so a key that was forgotten is an error.
"""
