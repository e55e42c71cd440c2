-- Removes closed generations that the database has. ARGV: their names.
for _, name in ipairs(ARGV) do
    redis.call('DEL', p .. 'day:' .. name)
    redis.call('SREM', p .. 'sealed', name)
end
return #ARGV
