-- Adds sums to the open generations of their days; a day without one gets one.
-- `first` is the index in ARGV of the first sum. Each sum is: day, field, high, low, count.
local function add_sums(first)
    local keys = {}
    for i = first, #ARGV, 5 do
        local day = ARGV[i]
        local key = keys[day]
        if not key then
            local generation = redis.call('HGET', p .. 'open', day)
            if not generation then
                generation = epoch .. '-' .. redis.call('HINCRBY', state, 'generation', 1)
                redis.call('HSET', p .. 'open', day, generation)
            end
            key = p .. 'day:' .. day .. '/' .. generation
            keys[day] = key
        end
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':high', ARGV[i + 2])
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':low', ARGV[i + 3])
        redis.call('HINCRBY', key, ARGV[i + 1] .. ':count', ARGV[i + 4])
    end
end
local function advance_newest(day)
    if day > (redis.call('HGET', state, 'newest') or '') then redis.call('HSET', state, 'newest', day) end
end
