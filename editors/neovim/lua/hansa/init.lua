-- Hansa for Neovim 0.11 and later: ghost text from `hansa lsp`, and keys to take it.
local M = {}

M.config = {
  -- Each key may be false, which maps nothing.
  keys = {
    accept = '<Tab>',
    accept_word = '<M-Right>',
    accept_line = '<M-Down>',
    dismiss = '<C-]>',
    ask = '<M-\\>',
    next_edit = '<M-n>',
  },
  -- Merged into the language server's configuration, such as { cmd = { 'hansa', 'lsp', '--eu-only' } }.
  server = {},
}

-- What a key does where there is nothing to accept: what it did before, else itself.
local function otherwise(key)
  local before = vim.fn.maparg(key, 'i', false, true)
  return function()
    if before.callback then
      local result = before.callback()
      return before.expr == 1 and result or ''
    end
    if before.rhs and before.expr ~= 1 then
      return before.rhs
    end
    return key
  end
end

local function map(key, action, desc, always)
  if not key then
    return
  end
  local fallback = otherwise(key)
  vim.keymap.set('i', key, function()
    if not always and not require('hansa.ghost').shown() then
      return fallback()
    end
    -- A break in the undo sequence first, so that one `u` takes back what was accepted.
    return ("<C-g>u<Cmd>lua require('hansa.suggest').%s()<CR>"):format(action)
  end, { expr = true, replace_keycodes = true, desc = desc })
end

function M.setup(options)
  if vim.fn.has('nvim-0.11') ~= 1 then
    vim.notify('Hansa needs Neovim 0.11 or later', vim.log.levels.ERROR)
    return
  end
  M.config = vim.tbl_deep_extend('force', M.config, options or {})
  vim.api.nvim_set_hl(0, 'HansaGhost', { link = 'Comment', default = true })
  require('hansa.commands').setup()
  require('hansa.suggest').setup()
  local keys = M.config.keys
  map(keys.accept, 'accept', 'Hansa: accept the suggestion')
  map(keys.accept_word, 'accept_word', 'Hansa: accept its next word')
  map(keys.accept_line, 'accept_line', 'Hansa: accept its next line')
  map(keys.dismiss, 'dismiss', 'Hansa: dismiss the suggestion')
  map(keys.ask, 'ask', 'Hansa: ask for a suggestion', true)
  require('hansa.next').setup()
  if keys.next_edit then
    vim.keymap.set({ 'n', 'i' }, keys.next_edit, function()
      require('hansa.next').accept()
    end, { desc = 'Hansa: make the next edit and go there' })
  end
  vim.lsp.config('hansa', M.config.server)
  vim.lsp.enable('hansa')
end

return M
