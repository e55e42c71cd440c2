-- Removes closed generations that the database has. ARGV: their names.
local p = KEYS[1]
for _, name in ipairs(ARGV) do
    redis.call('DEL', p .. 'day:' .. name)
    redis.call('SREM', p .. 'sealed', name)
end
return #ARGV
