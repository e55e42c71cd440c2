-- Begins a new epoch in place of one that is over or does not agree with the database. Nothing counts until fill.lua
-- has made it ready.
-- ARGV: the epoch that was found ('' for none), the new one. Answers the current epoch.
if epoch ~= ARGV[1] then return epoch end
redis.call('HSET', state, 'epoch', ARGV[2], 'stage', 'begun', 'server', server, 'version', 0, 'removed', '')
return ARGV[2]
