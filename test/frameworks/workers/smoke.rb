# redis-rb's main features on the server whose port is the first argument; prints "ok" if all of them do what Redis does.
require "redis"

def check(truth)
  raise "wrong: #{caller(1, 1).first}" unless truth
end

r = Redis.new(port: ARGV[0].to_i)
r.flushall

# Values of all types.
r.set("k", "wört", ex: 100)
check r.get("k").force_encoding("UTF-8") == "wört" && r.ttl("k").between?(90, 100)
r.mapped_hmset("h", { "a" => 1, "b" => "two" })
check r.hgetall("h") == { "a" => "1", "b" => "two" }
r.rpush("l", [1, 2, 3])
check r.lrange("l", 0, -1) == %w[1 2 3]
r.zadd("z", [[1.5, "x"], [2, "y"]])
check r.zrange("z", 0, -1, with_scores: true) == [["x", 1.5], ["y", 2.0]]
r.sadd("s", %w[a b])
check r.smembers("s").sort == %w[a b]
id = r.xadd("stream", { field: "value" })
check r.xrange("stream") == [[id, { "field" => "value" }]]
check r.scan_each(count: 2).to_a.uniq.sort == %w[h k l s stream z]

# Transactions.
check r.multi { |t| t.incr("n"); t.incr("n"); t.get("n") } == [1, 2, "2"]
refused = r.watch("n") do
  Redis.new(port: ARGV[0].to_i).set("n", 10)
  r.multi { |t| t.incr("n") }
end
check refused.nil? && r.get("n") == "10"
check r.pipelined { |p| p.incr("n"); p.get("n") } == [11, "11"]

# Scripts.
check r.eval("return {KEYS[1], ARGV[1], redis.call('GET', KEYS[1])}", keys: ["n"], argv: ["x"]) == %w[n x 11]
sha = r.script(:load, "return redis.call('INCRBY', KEYS[1], ARGV[1])")
check r.evalsha(sha, keys: ["n"], argv: [9]) == 20

# Pub/sub.
heard = []
listener = Thread.new do
  Redis.new(port: ARGV[0].to_i).subscribe("news") do |on|
    on.message { |channel, text| heard << [channel, text]; Thread.current[:subscription] = nil; Thread.exit }
  end
end
sleep 0.01 until r.publish("news", "hello") == 1
listener.join(5)
check heard == [%w[news hello]]

# Blocking and errors.
check r.blpop("l", timeout: 1) == %w[l 1]
begin
  r.incr("h")
  raise "a hash has no number"
rescue Redis::CommandError => error
  check error.message.start_with?("WRONGTYPE")
end
puts "ok"
