-- :checkhealth hansa
local M = {}

function M.check()
  vim.health.start('hansa')
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim is 0.11 or later')
  else
    vim.health.error('Neovim is older than 0.11', { 'install Neovim 0.11 or later' })
    return
  end
  local command = (vim.lsp.config.hansa or {}).cmd or { 'hansa', 'lsp' }
  if type(command) == 'table' and vim.fn.executable(command[1]) == 0 then
    vim.health.error(command[1] .. ' cannot be run', {
      'install Hansa, or name it: require("hansa").setup({ server = { cmd = { "/path/to/hansa", "lsp" } } })',
    })
  elseif type(command) == 'table' then
    vim.health.ok(vim.fn.exepath(command[1]) .. ' is there')
  end
  local clients = vim.lsp.get_clients({ name = 'hansa' })
  if #clients == 0 then
    vim.health.warn('no server is running', {
      'call require("hansa").setup(), then open a file',
      'look into ' .. vim.lsp.get_log_path(),
    })
  end
  for _, client in ipairs(clients) do
    local answer = client:request_sync('workspace/executeCommand', { command = 'hansa.status' }, 3000)
    local status = answer and answer.result
    if not status then
      vim.health.error('the server does not answer', { 'look into ' .. vim.lsp.get_log_path() })
    elseif status.node == 'no trouble' then
      vim.health.ok(('the server answers; %d asked, %d from its cache'):format(status.asked, status.cached))
    else
      vim.health.warn(status.node, { 'start a node with `hansa up`' })
    end
  end
end

return M
