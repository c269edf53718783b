#include <doctest/doctest.h>

#include "children.hpp"
#include "client.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/base/random.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "surroundings.hpp"
#include "system.hpp"

namespace dropline::testing {
namespace {

class Embedded final : public System {
 public:
  Embedded() {
    std::filesystem::create_directories(folder_);
    start();
  }
  ~Embedded() override {
    log_.reset();
    // doctest is over by now, so it cannot be asked.
    ensure(child_->stop() == 0, "a program that is told to stop ends well");
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::uint16_t port() const override { return port_; }
  [[nodiscard]] std::uint16_t admin_port() const override { return admin_; }
  [[nodiscard]] std::uint16_t other_port() override {
    stop();
    start();
    return port_;
  }
  [[nodiscard]] std::filesystem::path data_dir() const override { return folder_; }
  [[nodiscard]] std::string topic(std::string_view logical) const override {
    return std::string(logical);
  }
  [[nodiscard]] stream::Stream& log() override {
    if (!log_) log_ = stream::SqliteStream::open_read_only({.file = file()}).value();
    return *log_;
  }
  [[nodiscard]] store::Session open() override {
    return store::Database::parse("sqlite:" + file().string(), around_.clock())
        .value()
        .open({.read_only = true})
        .value();
  }
  [[nodiscard]] std::vector<std::string> flags() const override {
    return {"--data-dir", folder_.string(), "--topics-partitions", std::to_string(kPartitions)};
  }
  [[nodiscard]] store::Session open_for_writing() override {
    return store::Database::parse("sqlite:" + file().string(), around_.clock())
        .value()
        .open()
        .value();
  }
  void kill_worker() override {
    log_.reset();
    child_->kill();
    start();
  }
  void intrude(const std::function<void(stream::Producer&)>& write) override {
    stop();
    {
      const auto own = stream::SqliteStream::open({.file = file()}).value();
      const auto producer = own->producer([](auto) {}).value();
      write(*producer);
      REQUIRE(producer->flush(std::chrono::seconds(5)));
    }
    start();
  }

 private:
  void start() {
    std::vector<std::string> words{program("dropline"), "serve", "--dev"};
    const std::vector<std::string> own{"--http-address",     "127.0.0.1:" + std::to_string(port_),
                                       "--admin-address",    "127.0.0.1:" + std::to_string(admin_),
                                       "--http-member-rate", "0"};
    for (const auto& more : {flags(), own, around_.flags()})
      words.insert(words.end(), more.begin(), more.end());
    child_ = std::make_unique<Child>(words, folder_ / "dropline.log");
    wait_ready(port_);
    around_.shop_opens(folder_, port_);
  }
  void stop() {
    log_.reset();
    REQUIRE(child_->stop() == 0);
  }
  [[nodiscard]] std::filesystem::path file() const { return folder_ / "dropline.db"; }

  Surroundings& around_ = surroundings();  // first: it decides which programs run
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() /
                                  ("dropline-pipeline-" + SystemRandom().uuid4().text());
  std::uint16_t port_ = free_port();
  std::uint16_t admin_ = free_port();
  std::unique_ptr<Child> child_;
  std::unique_ptr<stream::SqliteStream> log_;
};

}  // namespace

std::unique_ptr<System> start_system() {
  return std::make_unique<Embedded>();
}

}  // namespace dropline::testing
