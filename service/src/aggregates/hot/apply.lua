-- Adds one numbered piece (a block of an import, a batch of the bank) to the totals, once: its number is the mark, which
-- moves with the totals. Where there is no mark the piece is the first of this epoch. ARGV: epoch, whose piece, its number,
-- seconds to keep the mark (0: for ever), the message's id ('' for none), newest day, then for each sum: day, field, high,
-- low, count.
-- Answers what became of it and the version: applied, already (a smaller number), gap (a greater one), lost (other epoch).
local p = KEYS[1]
local state = p .. 'state'
local where = redis.call('HMGET', state, 'epoch', 'ready', 'version')
if where[1] ~= ARGV[1] or where[2] ~= '1' then return {'lost', '0'} end
local mark = p .. 'next:' .. ARGV[2]
local number = tonumber(ARGV[3])
local expected = tonumber(redis.call('GET', mark) or ARGV[3])
local outcome = 'applied'
local version = where[3]
if number > expected then return {'gap', version} end
if number < expected then
    outcome = 'already'
else
    local keys = {}
    for i = 7, #ARGV, 5 do
        local day = ARGV[i]
        local key = keys[day]
        if not key then
            local generation = redis.call('HGET', p .. 'open', day)
            if not generation then
                generation = ARGV[1] .. '-' .. redis.call('HINCRBY', state, 'generation', 1)
                redis.call('HSET', p .. 'open', day, generation)
            end
            key = p .. 'day:' .. day .. '/' .. generation
            keys[day] = key
        end
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':high', ARGV[i + 2])
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':low', ARGV[i + 3])
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':count', ARGV[i + 4])
    end
    local following = string.format('%.0f', number + 1)
    if ARGV[4] == '0' then redis.call('SET', mark, following) else redis.call('SET', mark, following, 'EX', ARGV[4]) end
    if ARGV[6] > (redis.call('HGET', state, 'newest') or '') then redis.call('HSET', state, 'newest', ARGV[6]) end
    version = tostring(redis.call('HINCRBY', state, 'version', 1))
end
if ARGV[5] ~= '' then
    redis.call('XACK', p .. 'queue', 'appliers', ARGV[5])
    redis.call('XDEL', p .. 'queue', ARGV[5])
end
return {outcome, version}
