#include <algorithm>
#include <array>
#include <vector>

#include "cluster.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/worker/worker.hpp"
#include "services.hpp"

namespace dropline::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kOutsideRarity = 12;
/// Two of a service's processes at most, so that there is somebody to take over.
constexpr std::uint64_t kMostProcesses = 2;

/// A worker process with one service.
struct Process {
  Process(Stage& stage, const std::shared_ptr<stream::MemoryLog>& log, const Simulated& what,
          std::string called)
      : name(std::move(called)),
        role(what.name),
        faults(stage.schedule.next(), stage.plan, stage.coverage),
        stream(log, {.gapless = true,
                     .fate = [this](const stream::Draft& draft) { return faults.fate(draft); }}),
        service(what.make()) {
    faults.on_crash = [this] { stream.kill(); };
    if (stage.bug && stage.bug->service) service = stage.bug->service(std::move(service));
    if (stage.bug && stage.bug->stream) crooked = stage.bug->stream(stream);
    ports = std::make_unique<FaultyStream>(crooked ? *crooked : stream, faults);
    worker::Worker::Parts parts{.service = *service,
                                .database = stage.database,
                                .stream = *ports,
                                .clock = stage.clock,
                                .random = stage.spans,
                                .keys = stage.keys,
                                .member = name,
                                .session = {.faults = &faults}};
    parts.loop.partitions = kPartitions;
    parts.loop.max_records = stage.batch;
    auto started = worker::Worker::start(std::move(parts));
    // A process that cannot join dies, and another is started in its place.
    if (started)
      worker = std::move(*started);
    else
      faults.crash();
  }

  std::string name;
  std::string_view role;
  ProcessFaults faults;
  stream::MemoryStream stream;
  std::unique_ptr<stream::Stream> crooked;
  std::unique_ptr<FaultyStream> ports;
  std::unique_ptr<worker::Service> service;
  std::unique_ptr<worker::Worker> worker;
  int asleep_until = 0;
  int cut_until = 0;
  bool cut = false;
};

class Distributed final : public Cluster {
 public:
  Distributed(Stage& stage, LetGo let_go)
      : stage_(stage),
        let_go_(std::move(let_go)),
        network_(stage.plan.seed ^ 0x5EED),
        log_(std::make_shared<stream::MemoryLog>(
            stream::MemoryLogOptions{.clock = &stage.clock, .threads = false})) {
    for (std::size_t number = 0; number < kLines; ++number)
      open_line(number);
    lines_[0]->admin(1s).value()->ensure_topics(contracts::topic_specs(kPartitions, "")).value();
    for (const auto& service : services())
      wanted_.emplace_back(&service, 1 + stage.schedule.below(kMostProcesses));
  }

  ~Distributed() override {
    for (std::size_t number = 0; number < kLines; ++number)
      let_go_(number, true);
  }

  stream::Stream* line(std::size_t number) override {
    return crooked_[number] ? crooked_[number].get() : lines_[number].get();
  }

  void turn() override {
    mishaps();
    bury_the_dead();
    staff(3);
    for (auto& line : lines_)
      line->pump();
    const auto first = processes_.empty() ? 0 : stage_.schedule.below(processes_.size());
    for (std::size_t i = 0; i < processes_.size(); ++i)
      step(*processes_[(first + i) % processes_.size()]);
  }

  void quiet_turn() override {
    healed_ = true;
    bury_the_dead();
    staff(1);
    for (auto& line : lines_)
      line->pump();
    for (auto& process : processes_) {
      process->faults.heal();
      process->asleep_until = 0;
      process->cut_until = 0;
      step(*process);
      process->stream.pump();
    }
  }

  bool settled() override {
    return std::ranges::all_of(processes_,
                               [](const auto& process) { return process->worker->backlog() == 0; });
  }

  std::string trouble() override {
    std::string all;
    for (const auto& process : processes_)
      all += ' ' + process->name + ": " + process->worker->health() + ';';
    return all;
  }

 private:
  void open_line(std::size_t number) {
    lines_[number] = std::make_unique<stream::MemoryStream>(
        log_,
        stream::MemoryStreamOptions{.gapless = true, .fate = [this](const stream::Draft&) {
                                      if (healed_ || !stage_.plan.allows(Mishap::outside_fault) ||
                                          network_.below(kOutsideRarity) != 0)
                                        return stream::SendFate{};
                                      return network_fate(network_, stage_.coverage, "others");
                                    }});
    if (number > 0 && stage_.bug && stage_.bug->line)
      crooked_[number] = stage_.bug->line(*lines_[number]);
  }

  Process* somebody() {
    if (processes_.empty()) return nullptr;
    return processes_[stage_.schedule.below(processes_.size())].get();
  }

  /// What befalls processes between two turns.
  void mishaps() {
    auto& schedule = stage_.schedule;
    if (auto* process = somebody(); process && stage_.chance(Mishap::kill, 30))
      process->faults.crash();
    if (auto* process = somebody(); process && stage_.chance(Mishap::leave, 40)) {
      // No time passes in a drain on one thread: what is not known to be in the log stays behind.
      if (!process->faults.crashed()) process->worker->drain(0ms);
      process->faults.crash();
    }
    if (auto* process = somebody(); process && stage_.chance(Mishap::expel, 25))
      log_->groups().expel(std::string(process->role), process->name);
    if (auto* process = somebody(); process && stage_.chance(Mishap::pause, 25)) {
      process->asleep_until = stage_.turn + static_cast<int>(2 + schedule.below(20));
      if (schedule.below(2) == 0) stage_.clock.advance(7s);
    }
    if (auto* process = somebody(); process && !process->cut && stage_.chance(Mishap::cut, 25)) {
      process->cut = true;
      process->cut_until = stage_.turn + static_cast<int>(1 + schedule.below(20));
      process->stream.cut_off(true);
    }
    if (stage_.chance(Mishap::ingress, 30)) {
      const auto number = 1 + schedule.below(kLines - 1);
      lines_[number]->kill();
      let_go_(number, true);
      open_line(number);
    }
  }

  void bury_the_dead() {
    std::erase_if(processes_, [](const auto& process) { return process->faults.crashed(); });
  }

  void staff(std::uint64_t one_in) {
    for (const auto& [service, wanted] : wanted_) {
      const auto there = static_cast<std::uint64_t>(
          std::ranges::count(processes_, service->name, [](const auto& p) { return p->role; }));
      if (there >= wanted || stage_.schedule.below(one_in) != 0) continue;
      processes_.push_back(std::make_unique<Process>(
          stage_, log_, *service, std::string(service->name) + '-' + std::to_string(born_++)));
      if (healed_) processes_.back()->faults.heal();
    }
    bury_the_dead();
  }

  void step(Process& process) {
    if (process.cut && process.cut_until <= stage_.turn) {
      process.cut = false;
      process.stream.cut_off(false);
    }
    if (process.asleep_until > stage_.turn || process.faults.crashed()) return;
    process.faults.spare(stage_.lull());
    process.worker->step(0ms);
    if (stage_.schedule.below(3) != 0) process.stream.pump();
  }

  Stage& stage_;
  LetGo let_go_;
  SeededRandom network_;
  std::shared_ptr<stream::MemoryLog> log_;
  std::array<std::unique_ptr<stream::MemoryStream>, kLines> lines_;
  std::array<std::unique_ptr<stream::Stream>, kLines> crooked_;  ///< by a planted bug
  std::vector<std::pair<const Simulated*, std::uint64_t>> wanted_;
  std::vector<std::unique_ptr<Process>> processes_;
  bool healed_ = false;
  int born_ = 0;
};

}  // namespace

std::unique_ptr<Cluster> make_distributed(Stage& stage, Cluster::LetGo let_go) {
  return std::make_unique<Distributed>(stage, std::move(let_go));
}

}  // namespace dropline::simulation
