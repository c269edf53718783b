-- KEYS: units left, stream of orders; ARGV: member. What a Redis script of a limited sale does.
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left < 1 then return 0 end
redis.call('DECR', KEYS[1])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000000', '*', 'member', ARGV[1])
