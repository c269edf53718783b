#include <doctest/doctest.h>

#include <cstdlib>

#include "children.hpp"
#include "client.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/base/random.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"
#include "surroundings.hpp"
#include "system.hpp"

namespace dropline::testing {
namespace {

std::string required(const char* variable, const char* what) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') FAIL(variable << " is not set: " << what);
  return value;
}

/// Two ingresses, two workers that share all shards, topics and a database of their own.
class Distributed final : public System {
 public:
  Distributed() {
    std::filesystem::create_directories(folder_);
    server_ =
        std::make_unique<store::Database>(store::Database::parse(url_, around_.clock()).value());
    REQUIRE(server_->open().value().execute("make database", "CREATE DATABASE " + name_));
    const auto query = url_.find('?');
    const auto end = query == std::string::npos ? url_.size() : query;
    const auto slash = url_.rfind('/', end);
    url_.replace(slash + 1, end - slash - 1, name_);
    static_cast<void>(output_of({program("dropline"), "keys", "--dev", "--data-dir", folder()}));
    for (int i = 0; i < 2; ++i)
      workers_.push_back(start("dropline-worker", {"all"}));
    for (std::size_t i = 0; i < 2; ++i)
      ingresses_.push_back(
          start("dropline-ingress",
                {"serve", "--http-address", at(ports_[i]), "--admin-address", at(admins_[i]),
                 "--http-name", std::to_string(i + 1), "--http-member-rate", "0"}));
    for (const auto port : ports_)
      wait_ready(port);
    around_.shop_opens(folder_, ports_[0]);
    stream::KafkaOptions options;
    options.brokers = brokers_;
    options.partitions = kPartitions;
    log_ = stream::KafkaStream::open(options).value();
  }
  ~Distributed() override {
    for (auto* children : {&ingresses_, &workers_})
      for (auto& child : *children)
        // doctest is over by now, so it cannot be asked.
        ensure(child->stop() == 0, "a program that is told to stop ends well");
    if (auto session = server_->open())
      static_cast<void>(
          session->execute("drop database", "DROP DATABASE IF EXISTS " + name_ + " (FORCE)"));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::uint16_t port() const override { return ports_[0]; }
  [[nodiscard]] std::uint16_t admin_port() const override { return admins_[0]; }
  [[nodiscard]] std::uint16_t other_port() override { return ports_[1]; }
  [[nodiscard]] std::filesystem::path data_dir() const override { return folder_; }
  [[nodiscard]] std::string topic(std::string_view logical) const override {
    return prefix_ + std::string(logical);
  }
  [[nodiscard]] stream::Stream& log() override { return *log_; }
  [[nodiscard]] store::Session open() override {
    return store::Database::parse(url_, around_.clock()).value().open({.read_only = true}).value();
  }
  [[nodiscard]] std::vector<std::string> flags() const override {
    return {"--data-dir",          folder(),
            "--kafka-brokers",     brokers_,
            "--database-url",      url_,
            "--topics-prefix",     prefix_,
            "--topics-partitions", std::to_string(kPartitions)};
  }
  [[nodiscard]] store::Session open_for_writing() override {
    return store::Database::parse(url_, around_.clock()).value().open().value();
  }
  void kill_worker() override {
    std::swap(workers_[0], workers_[1]);
    workers_[0]->kill();
    workers_[0] = start("dropline-worker", {"all"});
  }
  void intrude(const std::function<void(stream::Producer&)>& write) override {
    const auto producer = log_->producer([](auto) {}).value();
    write(*producer);
    REQUIRE(producer->flush(std::chrono::seconds(10)));
  }

 private:
  static std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }
  static std::string unique(std::string name) {
    for (const char c : SystemRandom().uuid4().text().substr(0, 13))
      if (c != '-') name += c;
    return name;
  }
  [[nodiscard]] std::string folder() const { return folder_.string(); }
  std::unique_ptr<Child> start(const std::string& name, std::vector<std::string> own) {
    std::vector<std::string> words{program(name)};
    words.insert(words.end(), own.begin(), own.end());
    words.emplace_back("--dev");
    for (const auto& more : {flags(), around_.flags()})
      words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<Child>(words, folder_ / (name + ".log"));
  }

  Surroundings& around_ = surroundings();  // first: it decides which programs run
  std::string brokers_ = required("DROPLINE_TEST_KAFKA", "see `scripts/kafka start`");
  std::string url_ = required("DROPLINE_TEST_POSTGRESQL", "see `scripts/postgres start`");
  std::string name_ = unique("dropline_pipeline_");
  std::string prefix_ = unique("p") + '.';
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / name_;
  std::uint16_t ports_[2] = {free_port(), free_port()};
  std::uint16_t admins_[2] = {free_port(), free_port()};
  std::unique_ptr<store::Database> server_;
  std::vector<std::unique_ptr<Child>> workers_;
  std::vector<std::unique_ptr<Child>> ingresses_;
  std::unique_ptr<stream::KafkaStream> log_;
};

}  // namespace

std::unique_ptr<System> start_system() {
  return std::make_unique<Distributed>();
}

}  // namespace dropline::testing
