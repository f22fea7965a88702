-- The one suggestion that is shown, as virtual text at the cursor.
local M = {}

local namespace = vim.api.nvim_create_namespace('hansa')

-- { id, text, buffer, row, column, command }; text is what is still to be inserted, row and column
-- are where: bytes, from 0.
local current = nil

local function draw()
  local lines = vim.split(current.text, '\n', { plain = true })
  local more = {}
  for index = 2, #lines do
    more[#more + 1] = { { lines[index], 'HansaGhost' } }
  end
  vim.api.nvim_buf_clear_namespace(current.buffer, namespace, 0, -1)
  current.mark = vim.api.nvim_buf_set_extmark(current.buffer, namespace, current.row, current.column, {
    virt_text = { { lines[1], 'HansaGhost' } },
    virt_text_pos = 'inline',
    virt_lines = #more > 0 and more or nil,
    hl_mode = 'combine',
  })
end

function M.shown()
  return current ~= nil and current.buffer == vim.api.nvim_get_current_buf()
end

function M.current()
  return current
end

function M.show(suggestion)
  M.hide()
  current = suggestion
  draw()
end

function M.hide()
  if current then
    if vim.api.nvim_buf_is_valid(current.buffer) then
      vim.api.nvim_buf_clear_namespace(current.buffer, namespace, 0, -1)
    end
    current = nil
  end
end

-- Whether what was typed is what the suggestion begins with; then it is shortened in place.
function M.follow()
  if not M.shown() then
    return false
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  row = row - 1
  if row < current.row or (row == current.row and column < current.column) then
    return false
  end
  local typed = vim.api.nvim_buf_get_text(current.buffer, current.row, current.column, row, column, {})
  local text = table.concat(typed, '\n')
  if not vim.startswith(current.text, text) or #text == #current.text then
    return false
  end
  current.text = current.text:sub(#text + 1)
  current.row, current.column = row, column
  draw()
  return true
end

-- Insert the first `size` bytes of it, all if there are no more; what was inserted.
function M.insert(size)
  local text = current.text:sub(1, size)
  local lines = vim.split(text, '\n', { plain = true })
  local row, column = current.row, current.column
  vim.api.nvim_buf_clear_namespace(current.buffer, namespace, 0, -1)
  vim.api.nvim_buf_set_text(current.buffer, row, column, row, column, lines)
  current.row = row + #lines - 1
  current.column = #lines == 1 and column + #text or #lines[#lines]
  current.text = current.text:sub(size + 1)
  vim.api.nvim_win_set_cursor(0, { current.row + 1, current.column })
  if current.text == '' then
    current = nil
  else
    draw()
  end
  return text
end

return M
