-- Defines :Hansa; everything else waits for require('hansa').setup().
if vim.g.loaded_hansa then
  return
end
vim.g.loaded_hansa = true

vim.api.nvim_create_user_command('Hansa', function(arguments)
  require('hansa.commands').run(arguments)
end, {
  nargs = '*',
  range = true,
  desc = 'Hansa: edit, explain, status, enable, disable',
  complete = function(lead)
    return vim.tbl_filter(function(name)
      return vim.startswith(name, lead)
    end, { 'edit', 'explain', 'status', 'enable', 'disable' })
  end,
})
