-- Begins a new epoch where the old one is not to be trusted: nothing counts until `fill` has made it ready.
-- ARGV: the epoch that was found ('' for none), the new one. Answers the epoch that is there now.
local p = KEYS[1]
local state = p .. 'state'
local found = redis.call('HGET', state, 'epoch') or ''
if found ~= ARGV[1] then return found end
redis.call('HSET', state, 'epoch', ARGV[2], 'ready', 0, 'version', 0)
return ARGV[2]
