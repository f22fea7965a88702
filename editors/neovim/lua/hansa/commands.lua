-- :Hansa and the commands that the server leaves to the editor.
local M = {}

local function run_on_server(command, arguments, done)
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ bufnr = buffer, name = 'hansa' })[1]
  if not client then
    vim.notify('Hansa is not running for this buffer; see :checkhealth hansa', vim.log.levels.WARN)
    return
  end
  local params = { command = command, arguments = arguments }
  client:request('workspace/executeCommand', params, function(err, result)
    if err then
      vim.notify('Hansa: ' .. err.message, vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end, buffer)
end

local function float(lines)
  vim.lsp.util.open_floating_preview(lines, '', { border = 'rounded', focus_id = 'hansa' })
end

-- Ask for the words of an edit of these lines, unless they are given.
local function edit(where, words)
  local function go(instruction)
    if instruction and instruction ~= '' then
      run_on_server('hansa.edit', { vim.tbl_extend('force', where, { instruction = instruction }) })
    end
  end
  if words and words ~= '' then
    go(words)
  else
    vim.ui.input({ prompt = 'Hansa, edit: ' }, go)
  end
end

local verbs = {
  edit = function(arguments)
    local where = { uri = vim.uri_from_bufnr(0) }
    if arguments.range > 0 then
      where.lines = { arguments.line1, arguments.line2 }
    end
    edit(where, table.concat(arguments.fargs, ' ', 2))
  end,
  explain = function()
    run_on_server('hansa.explain', {}, float)
  end,
  status = function()
    run_on_server('hansa.status', {}, function(status)
      float(vim.split(vim.inspect(status), '\n'))
    end)
  end,
  enable = function()
    vim.b.hansa_disabled = nil
  end,
  disable = function()
    vim.b.hansa_disabled = true
    require('hansa.suggest').stop()
  end,
}

function M.run(arguments)
  local verb = verbs[arguments.fargs[1] or 'status']
  if verb then
    verb(arguments)
  else
    vim.notify('Hansa knows no ' .. arguments.fargs[1] .. '; try :Hansa edit, explain, status, enable, disable', vim.log.levels.ERROR)
  end
end

function M.setup()
  vim.lsp.commands['hansa.askForEdit'] = function(command)
    edit(command.arguments[1])
  end
end

return M
