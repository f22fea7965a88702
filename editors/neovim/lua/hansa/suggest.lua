-- Asks for suggestions while somebody types, and takes them in.
local ghost = require('hansa.ghost')

local M = {}

local AUTOMATIC, INVOKED = 2, 1
local METHOD = 'textDocument/inlineCompletion'

-- The request on its way: { client, id }.
local asked = nil

local function client_of(buffer)
  return vim.lsp.get_clients({ bufnr = buffer, name = 'hansa' })[1]
end

local function forget_request()
  if asked then
    asked.client:cancel_request(asked.id)
    asked = nil
  end
end

local function tell(method, suggestion, more)
  local client = client_of(suggestion.buffer)
  if client then
    local what = { id = suggestion.id, uri = vim.uri_from_bufnr(suggestion.buffer) }
    client:notify(method, vim.tbl_extend('force', what, more or {}))
  end
end

local function wanted(buffer)
  return vim.fn.mode():sub(1, 1) == 'i' and not vim.b[buffer].hansa_disabled and vim.fn.pumvisible() == 0
end

-- Show what came for a place, if that is still where the cursor is; returns whether more of it comes.
local function answered(client, buffer, tick, item)
  if vim.api.nvim_get_current_buf() ~= buffer or not wanted(buffer) then
    return
  end
  if vim.api.nvim_buf_get_changedtick(buffer) ~= tick then
    return
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local text = type(item.insertText) == 'table' and item.insertText.value or item.insertText
  text = text:gsub('\r\n', '\n')
  if item.range then
    local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, true)[1]
    local start = vim.str_byteindex(line, client.offset_encoding, item.range.start.character, false)
    local before = line:sub(start + 1, column)
    if item.range.start.line ~= row - 1 or not vim.startswith(text, before) then
      return
    end
    text = text:sub(#before + 1)
  end
  if text == '' then
    return
  end
  local which = item.command and item.command.arguments and item.command.arguments[1] or {}
  local suggestion = {
    id = which.id or '',
    text = text,
    buffer = buffer,
    row = row - 1,
    column = column,
    command = item.command,
  }
  ghost.show(suggestion)
  -- Not at once: what goes away before Neovim comes round to draw it was not seen.
  vim.schedule(function()
    if ghost.current() == suggestion then
      tell('hansa/shown', suggestion)
    end
  end)
  return which.more
end

local function request(kind)
  forget_request()
  local buffer = vim.api.nvim_get_current_buf()
  local client = client_of(buffer)
  if not client or not wanted(buffer) then
    return
  end
  local tick = vim.api.nvim_buf_get_changedtick(buffer)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = kind }
  local mine = {}
  local ok, id = client:request(METHOD, params, function(err, result)
    if asked == mine then
      asked = nil
    end
    local items = not err and result and (result.items or result) or {}
    if items[1] and answered(client, buffer, tick, items[1]) then
      request(AUTOMATIC)
    end
  end, buffer)
  if ok then
    mine.client, mine.id = client, id
    asked = mine
  end
end

-- After every change in insert mode: what is shown is shortened if it was typed into, else asked anew.
function M.typed()
  if not wanted(vim.api.nvim_get_current_buf()) then
    M.stop()
  elseif not ghost.follow() then
    ghost.hide()
    request(AUTOMATIC)
  end
end

-- The cursor went elsewhere without a change.
function M.moved()
  local shown = ghost.current()
  if shown then
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    if row - 1 ~= shown.row or column ~= shown.column then
      if not ghost.follow() then
        M.stop()
      end
    end
  end
end

function M.stop()
  forget_request()
  ghost.hide()
end

local function take(size)
  local suggestion = ghost.current()
  if not suggestion then
    return
  end
  local text = ghost.insert(size)
  if ghost.current() then
    -- Counted in characters, as the server counts.
    tell('hansa/partlyAccepted', suggestion, { chars = vim.fn.strchars(text) })
  elseif suggestion.command then
    local client = client_of(suggestion.buffer)
    if client then
      client:exec_cmd(suggestion.command, { bufnr = suggestion.buffer })
    end
  end
end

function M.accept()
  take(#(ghost.current() or { text = '' }).text)
end

function M.accept_word()
  local text = (ghost.current() or { text = '' }).text
  local _, finish = text:find('^%s*[%w_\128-\255]+')
  if not finish then
    _, finish = text:find('^%s*[^%s%w_\128-\255]+')
  end
  take(finish or #text)
end

function M.accept_line()
  local text = (ghost.current() or { text = '' }).text
  local finish = text:find('\n', text:sub(1, 1) == '\n' and 2 or 1, true)
  take(finish and finish - 1 or #text)
end

function M.dismiss()
  local suggestion = ghost.current()
  M.stop()
  if suggestion then
    tell('hansa/rejected', suggestion)
  end
end

function M.ask()
  ghost.hide()
  request(INVOKED)
end

function M.setup()
  local group = vim.api.nvim_create_augroup('hansa', {})
  local function on(events, action)
    vim.api.nvim_create_autocmd(events, { group = group, callback = action })
  end
  on('TextChangedI', M.typed)
  -- It comes just before the mode is there.
  on('InsertEnter', vim.schedule_wrap(M.typed))
  on('CursorMovedI', M.moved)
  on({ 'InsertLeave', 'BufLeave', 'CompleteChanged' }, M.stop)
end

return M
