#include "cluster.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "dropline/worker/engine.hpp"
#include "services.hpp"

namespace dropline::simulation {

using namespace std::chrono_literals;

namespace {

/// The one process: a connection, the log in its file, every service, the engine.
class Program final {
 public:
  explicit Program(Stage& stage)
      : faults(stage.schedule.next(), stage.plan, stage.coverage), stage_(stage) {}

  Status start() {
    auto opened = stage_.database.open({.faults = &faults});
    if (!opened) return opened.error();
    session_.emplace(std::move(*opened));
    stream::SqliteOptions options;
    options.file = stage_.file();
    options.clock = &stage_.clock;
    auto attached = stream::SqliteStream::attach(session_->native(), options);
    if (!attached) return attached.error();
    stream_ = std::move(*attached);
    std::vector<std::pair<worker::Service*, worker::LoopMetrics>> seats;
    for (const auto& each : services()) {
      auto service = each.make();
      if (stage_.bug && stage_.bug->service) service = stage_.bug->service(std::move(service));
      services_.push_back(std::move(service));
      seats.emplace_back(services_.back().get(), worker::LoopMetrics());
    }
    worker::LoopOptions loop;
    loop.partitions = kPartitions;
    loop.max_records = stage_.batch;
    auto engine = worker::Engine::start(
        {*session_, stream_->engine(), *stream_, stage_.clock, stage_.spans, stage_.keys, loop},
        seats);
    if (!engine) return engine.error();
    engine_ = std::move(*engine);
    return {};
  }

  stream::Stream& stream() { return *stream_; }
  stream::EngineSide& log() { return stream_->engine(); }
  worker::Engine& engine() { return *engine_; }

  ProcessFaults faults;

 private:
  Stage& stage_;
  std::optional<store::Session> session_;
  std::unique_ptr<stream::SqliteStream> stream_;
  std::vector<std::unique_ptr<worker::Service>> services_;
  std::unique_ptr<worker::Engine> engine_;
};

class Embedded final : public Cluster {
 public:
  Embedded(Stage& stage, LetGo let_go) : stage_(stage), let_go_(std::move(let_go)) {}
  ~Embedded() override { bury(); }

  stream::Stream* line(std::size_t) override { return program_ ? &program_->stream() : nullptr; }

  void turn() override {
    if (program_ && stage_.chance(Mishap::kill, 30)) program_->faults.crash();
    if (program_ && stage_.chance(Mishap::leave, 40)) {
      program_->engine().drain(0ms);
      bury();
    }
    if (!program_ && stage_.schedule.below(2) == 0) start();
    step();
  }

  void quiet_turn() override {
    healed_ = true;
    if (program_) program_->faults.heal();
    if (!program_) start();
    step();
  }

  bool settled() override { return program_ != nullptr; }
  std::string trouble() override {
    return program_ ? program_->engine().health() : "it is not running";
  }

 private:
  void start() {
    auto program = std::make_unique<Program>(stage_);
    if (healed_) program->faults.heal();
    if (program->start()) program_ = std::move(program);
  }
  void step() {
    if (!program_) return;
    program_->faults.spare(stage_.lull());
    if (!program_->faults.crashed()) program_->engine().step(0ms);
    if (program_->faults.crashed() || program_->engine().broken()) bury();
  }
  void bury() {
    if (!program_) return;
    for (std::size_t number = 0; number < kLines; ++number)
      let_go_(number, false);
    // A producer that is dropped waits for an engine that still takes.
    program_->log().stop();
    for (std::size_t number = 0; number < kLines; ++number)
      let_go_(number, true);
    program_.reset();
  }

  Stage& stage_;
  LetGo let_go_;
  std::unique_ptr<Program> program_;
  bool healed_ = false;
};

}  // namespace

std::unique_ptr<Cluster> make_embedded(Stage& stage, Cluster::LetGo let_go) {
  return std::make_unique<Embedded>(stage, std::move(let_go));
}

}  // namespace dropline::simulation
