-- Begins a new epoch in the place of one that is over or not to be trusted: nothing counts until `fill` has made it ready.
-- ARGV: the epoch that was found ('' for none), the new one. Answers the epoch that is there now.
if epoch ~= ARGV[1] then return epoch end
redis.call('HSET', state, 'epoch', ARGV[2], 'stage', 'begun', 'server', server, 'version', 0, 'removed', '')
return ARGV[2]
