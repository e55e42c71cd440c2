-- What every script begins with: the state of the store. An epoch is over when the server that it began on has
-- restarted since, even if some of its data is left: the rest may be lost.
local p = KEYS[1]
local state = p .. 'state'
local found = redis.call('HMGET', state, 'epoch', 'stage', 'server', 'version')
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local epoch, stage, version = found[1] or '', found[2], found[4] or '0'
if epoch == '' or found[3] ~= server then stage = 'over' end
local function is_ready(known) return stage == 'ready' and epoch == known end
