-- What `vim.lsp.enable('hansa')` starts; `vim.lsp.config('hansa', { ... })` changes it.
return {
  cmd = { 'hansa', 'lsp' },
  root_markers = { '.git', 'pyproject.toml' },
  init_options = { asks = true },
}
