# The jobs that sidekiq_jobs.rb queues; Sidekiq's own process requires this file.
require "sidekiq"
require "sidekiq/scheduled"

# What Debian's Sidekiq calls is no matter of its users.
Redis.silence_deprecations = true
# It looks for what is due twice a second, from the beginning, and not every few seconds after ten.
Sidekiq.options[:poll_interval_average] = 0.5

module Sidekiq::Scheduled
  class Poller
    def initial_wait
    end
  end
end

class Note
  include Sidekiq::Worker
  def perform(text)
    Sidekiq.redis { |redis| redis.rpush("notes", text) }
  end
end

class Fail
  include Sidekiq::Worker
  sidekiq_options retry: 1
  def perform(key)
    times = Sidekiq.redis { |redis| redis.incr(key) }
    raise "time #{times}" if times < 2 || key == "always"
  end
end
