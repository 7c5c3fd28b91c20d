# Reads a Vagrantfile as Vagrant does for one provider, and prints what it says as JSON:  ruby recorder.rb VAGRANTFILE PROVIDER
#
# It plays `Vagrant.configure` and nothing more: every assignment and every call is written down, none is judged. Blocks of other
# providers are not run, and `override` wins over what is said outside of a block, as with Vagrant.
# Source: developer.hashicorp.com/vagrant/docs/vagrantfile, "Configuration Version 2" and "Provider Configuration".
require "json"

# Writes down assignments by their path, and calls with their arguments.
class Recorder
  attr_reader :said

  def initialize(said, path = "")
    @said = said
    @path = path
  end

  def method_missing(name, *arguments, **options)
    return Recorder.new(@said, "#{@path}#{name}.") if arguments.empty? && options.empty?

    if name.end_with?("=")
      @said["#{@path}#{name.to_s.chomp("=")}"] = arguments.first
    else
      (@said["#{@path}#{name}"] ||= []) << [*arguments, options]
    end
  end

  def respond_to_missing?(*)
    true
  end
end

# The configuration: `config.vm.provider` is the one call that takes a block.
class Configuration < Recorder
  attr_reader :providers

  def initialize(provider)
    super({})
    @provider = provider
    @providers = []
    @own = {}
    @override = {}
  end

  def vm
    outer = self
    @vm ||= Recorder.new(@said, "vm.").tap { |vm| vm.define_singleton_method(:provider) { |name, &block| outer.block_of(name, block) } }
  end

  def block_of(name, block)
    @providers << name
    block.call(Recorder.new(@own), Recorder.new(@override)) if name == @provider
  end

  def to_h
    { "config" => @said.merge(@override), "provider" => @own, "providers" => @providers }
  end
end

# What a Vagrantfile calls.
module Vagrant
  def self.configure(version)
    raise "version #{version} of the configuration is unknown" unless version == "2"

    yield $configuration
  end
end

$configuration = Configuration.new(ARGV.fetch(1))
load ARGV.fetch(0)
puts JSON.generate($configuration.to_h.merge("default provider" => ENV["VAGRANT_DEFAULT_PROVIDER"]))
