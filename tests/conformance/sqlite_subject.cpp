#include <stdlib.h>

#include <filesystem>
#include <optional>

#include "children.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "local.hpp"

namespace dropline::stream::conformance {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, removed with everything in it.
class Folder final {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "dropline-conformance-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("cannot make a folder like " + pattern);
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class SqlitePlace final : public Place {
 public:
  /// Without a file: a new one in a folder of its own.
  explicit SqlitePlace(const std::string& file = "") : file_(file) {
    if (!file_.empty()) return;
    folder_.emplace();
    file_ = folder_->path() / "stream.db";
  }

  Result<std::unique_ptr<Stream>> open(const Wishes& wishes) override {
    SqliteOptions options;
    options.file = file_;
    options.clock = &clock_;
    options.maintenance_interval = milliseconds(20);
    if (wishes.max_in_flight_records > 0)
      options.max_in_flight_records = wishes.max_in_flight_records;
    if (wishes.max_in_flight_bytes > 0) options.max_in_flight_bytes = wishes.max_in_flight_bytes;
    if (wishes.max_fetched_bytes > 0) options.max_poll_bytes = wishes.max_fetched_bytes;
    auto opened = SqliteStream::open(std::move(options));
    if (!opened) return opened.error();
    return std::unique_ptr<Stream>(std::move(*opened));
  }

  Result<std::unique_ptr<Stream>> open_unreachable() override {
    return error(Errc::failed, "a file has no broker");
  }

  std::vector<Acknowledged> write_until_killed(const std::string& topic,
                                               std::size_t at_least) override {
    return kill_a_writer(file_, topic, at_least);
  }

  std::unique_ptr<Companion> companion(Stream& stream, const std::string& group,
                                       const std::string& topic, const std::string& name) override {
    return std::make_unique<LocalCompanion>(stream.join(group, topic, name).value(), clock_);
  }

  void compact(const std::string&) override { clock_.advance(milliseconds(1'000)); }
  void age(milliseconds time) override { clock_.advance(time); }

 private:
  HastyClock clock_;
  std::optional<Folder> folder_;
  fs::path file_;
};

}  // namespace

const Subject& subject() {
  static const Subject subject{
      .name = "sqlite",
      // Each lone record pays a commit, fsync included.
      .features = {.shared = false, .has_broker = false, .wake_bound = milliseconds(100)},
      .missing = [] { return std::string(); },
      .make = []() -> std::unique_ptr<Place> { return std::make_unique<SqlitePlace>(); },
      .at = [](const std::string& address) -> std::unique_ptr<Place> {
        return std::make_unique<SqlitePlace>(address);
      }};
  return subject;
}

}  // namespace dropline::stream::conformance
