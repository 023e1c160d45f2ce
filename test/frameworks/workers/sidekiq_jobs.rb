# Sidekiq, client and process, on the server whose port is the first argument; prints "ok" if jobs do what they do with Redis.
ENV["REDIS_URL"] = "redis://127.0.0.1:#{ARGV[0]}/2"
require_relative "sidekiq_worker"
require "sidekiq/api"

def check(truth)
  raise "wrong: #{caller(1, 1).first}" unless truth
end

# Waits for a condition, not longer than half a minute.
def await
  300.times do
    return if yield
    sleep 0.1
  end
  raise "waited in vain: #{caller(1, 1).first}"
end

def notes
  Sidekiq.redis { |redis| redis.lrange("notes", 0, -1) }
end

Sidekiq.redis(&:flushall)
Note.perform_async("first")
Note.perform_in(1, "later")
Sidekiq::Client.push_bulk("class" => Note, "args" => [["b1"], ["b2"]], "queue" => "low")
check Sidekiq::Queue.new.size == 1 && Sidekiq::Queue.new("low").size == 2
check Sidekiq::ScheduledSet.new.map { |job| job.args } == [["later"]]

process = spawn("sidekiq", "-r", "#{__dir__}/sidekiq_worker.rb", "-c", "2", "-q", "default,5", "-q", "low", out: File::NULL, err: File::NULL)
begin
  await { notes.sort == %w[b1 b2 first later] }
  # One that fails once is tried again; one that always fails ends among the dead. What would wait for many seconds
  # is brought forward.
  Fail.perform_async("once")
  Fail.perform_async("always")
  await do
    Sidekiq::RetrySet.new.each { |job| job.reschedule(Time.now) }
    Sidekiq::DeadSet.new.size == 1 && Sidekiq::RetrySet.new.size.zero?
  end
  await { Sidekiq.redis { |redis| redis.mget("once", "always") } == %w[2 2] }
  await { Sidekiq::ProcessSet.new.size == 1 }
  await { Sidekiq::Stats.new.processed >= 5 && Sidekiq::Stats.new.failed >= 3 }
ensure
  Process.kill("KILL", process)
  Process.wait(process)
end
puts "ok"
