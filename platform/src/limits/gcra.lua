-- One request of a key, as `Gcra::take` has it. ARGV: interval and capacity in microseconds.
-- Answers whether it is allowed, and how far ahead the whole quota is.
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local due = tonumber(redis.call('GET', KEYS[1])) or now
due = math.min(math.max(due, now), now + capacity)
if due + interval > now + capacity then
  return { 0, due - now }
end
due = due + interval
-- When the whole quota is there again the key says nothing any more.
redis.call('SET', KEYS[1], string.format('%.0f', due), 'PX', math.ceil((due - now) / 1000))
return { 1, due - now }
