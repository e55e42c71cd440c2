-- Makes an epoch ready: what the database has already is dropped, the bank's own part is what the ledger says.
-- ARGV: epoch, newest day ('' for none), the number of the next batch, how many generations the database has, those,
-- then for each sum: day, field, high, low, count. Answers 'ready' or 'other'.
local p = KEYS[1]
local state = p .. 'state'
if redis.call('HGET', state, 'epoch') ~= ARGV[1] then return 'other' end
if redis.call('HGET', state, 'ready') == '1' then return 'ready' end
local archived = {}
local count = tonumber(ARGV[4])
for i = 5, 4 + count do archived[ARGV[i]] = true end
-- Open generations that the database has were open before Redis forgot; the imported part of the others is all there is.
local open = redis.call('HGETALL', p .. 'open')
local kept = redis.call('SMEMBERS', p .. 'sealed')
for i = 1, #open, 2 do kept[#kept + 1] = open[i] .. '/' .. open[i + 1] end
redis.call('DEL', p .. 'open', p .. 'sealed')
for _, name in ipairs(kept) do
    local key = p .. 'day:' .. name
    local generation = string.match(name, '/(.*)$')
    if archived[generation] then
        redis.call('DEL', key)
    else
        for _, field in ipairs(redis.call('HKEYS', key)) do
            if string.sub(field, 1, 5) == 'bank:' then redis.call('HDEL', key, field) end
        end
        if redis.call('EXISTS', key) == 1 then redis.call('SADD', p .. 'sealed', name) end
    end
end
local generations = {}
for i = 5 + count, #ARGV, 5 do
    local day = ARGV[i]
    local generation = generations[day]
    if not generation then
        generation = ARGV[1] .. '-' .. redis.call('HINCRBY', state, 'generation', 1)
        generations[day] = generation
        redis.call('HSET', p .. 'open', day, generation)
    end
    local key = p .. 'day:' .. day .. '/' .. generation
    redis.call('HINCRBY', key, ARGV[i + 1] .. ':high', ARGV[i + 2])
    redis.call('HINCRBY', key, ARGV[i + 1] .. ':low', ARGV[i + 3])
    redis.call('HINCRBY', key, ARGV[i + 1] .. ':count', ARGV[i + 4])
end
redis.call('SET', p .. 'next:bank', ARGV[3])
if ARGV[2] > (redis.call('HGET', state, 'newest') or '') then redis.call('HSET', state, 'newest', ARGV[2]) end
redis.call('HINCRBY', state, 'version', 1)
redis.call('HSET', state, 'ready', 1)
return 'ready'
