-- The next edit, shown as a diff on its line wherever that is, and taken by one key.
local M = {}

local namespace = vim.api.nvim_create_namespace('hansa_next')
local WAIT_MS = 300

-- { buffer, row, old, new, why }; row from 0. In another file it has its uri and name, and no old.
local current = nil
local timer = nil
local asked = 0

local function clear()
  if current and vim.api.nvim_buf_is_valid(current.buffer) then
    vim.api.nvim_buf_clear_namespace(current.buffer, namespace, 0, -1)
  end
  current = nil
end

local function line_at(buffer, row)
  return vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1]
end

local function note(buffer, said)
  local here = vim.api.nvim_win_get_cursor(0)[1] - 1
  vim.api.nvim_buf_set_extmark(buffer, namespace, here, 0, { virt_text = { { ' next edit: ' .. said, 'HansaGhost' } } })
end

local function show(edit)
  current = edit
  if edit.uri then
    note(edit.buffer, ('%s, line %d, %s'):format(edit.name, edit.row + 1, edit.why))
    return
  end
  vim.api.nvim_buf_set_extmark(edit.buffer, namespace, edit.row, 0, {
    line_hl_group = 'HansaNextOld',
    virt_lines = vim.tbl_map(function(line)
      return { { line, 'HansaNextNew' } }
    end, vim.split(edit.new, '\n', { plain = true })),
  })
  if edit.row < vim.fn.line('w0') - 1 or edit.row > vim.fn.line('w$') - 1 then
    note(edit.buffer, ('line %d, %s'):format(edit.row + 1, edit.why))
  end
end

local function client_of(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = 'hansa' })[1]
end

local function ask()
  local buffer = vim.api.nvim_get_current_buf()
  local client = client_of(buffer)
  if not client or vim.b[buffer].hansa_disabled then
    return
  end
  asked = asked + 1
  local number, tick = asked, vim.api.nvim_buf_get_changedtick(buffer)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  client:request('hansa/nextEdit', params, function(error, edits)
    if error or number ~= asked or buffer ~= vim.api.nvim_get_current_buf() then
      return
    end
    clear()
    local first = edits and edits[1]
    if first and tick == vim.api.nvim_buf_get_changedtick(buffer) then
      local row = first.range.start.line
      local edit = { buffer = buffer, row = row, new = first.newText, why = first.why }
      if first.uri == params.textDocument.uri then
        edit.old = line_at(buffer, row)
      else
        local name = vim.uri_to_fname(first.uri)
        edit.uri = first.uri
        edit.name = client.root_dir and vim.fs.relpath(client.root_dir, name) or name
      end
      show(edit)
    end
  end, buffer)
end

local function later()
  clear()
  if timer then
    timer:stop()
  end
  timer = vim.defer_fn(ask, WAIT_MS)
end

function M.shown()
  return current ~= nil and current.buffer == vim.api.nvim_get_current_buf()
end

function M.current()
  return current
end

-- Open another file where the edit is; that it has it then, and the nearest, is the server's to say.
local function go_to(edit)
  local start = { line = edit.row, character = 0 }
  vim.lsp.util.show_document({ uri = edit.uri, range = { start = start, ['end'] = start } }, 'utf-8', { focus = true })
  ask()
end

-- Make the edit and go there; the next one is looked for at once. In another file, only go there.
function M.accept()
  if not M.shown() then
    return
  end
  local edit = current
  clear()
  if edit.uri then
    go_to(edit)
    return
  end
  if line_at(edit.buffer, edit.row) ~= edit.old then
    return -- It was changed meanwhile.
  end
  local lines = vim.split(edit.new, '\n', { plain = true })
  vim.api.nvim_buf_set_lines(edit.buffer, edit.row, edit.row + 1, false, lines)
  vim.api.nvim_win_set_cursor(0, { edit.row + 1, #edit.new:match('^%s*') })
  ask()
end

function M.dismiss()
  asked = asked + 1
  clear()
end

function M.setup()
  vim.api.nvim_set_hl(0, 'HansaNextOld', { link = 'DiffDelete', default = true })
  vim.api.nvim_set_hl(0, 'HansaNextNew', { link = 'DiffAdd', default = true })
  local group = vim.api.nvim_create_augroup('hansa_next', {})
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, { group = group, callback = later })
  vim.api.nvim_create_autocmd({ 'BufLeave' }, { group = group, callback = M.dismiss })
end

return M
