// Measures the SQLite stream through the port, durable as in production, and prints one line of
// JSON. Usage: bench_stream_sqlite [folder] [records]

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dropline/stream/sqlite/sqlite_stream.hpp"

namespace {

using namespace dropline;
using namespace dropline::stream;
using Time = std::chrono::steady_clock;

constexpr std::size_t kValueBytes = 300;
constexpr std::int32_t kPartitions = 16;
constexpr std::size_t kPollRecords = 2'000;
constexpr int kLoneRecords = 500;
const std::string kTopic = "bench.records";

double seconds_since(Time::time_point start) {
  return std::chrono::duration<double>(Time::now() - start).count();
}

std::vector<Position> all_from(std::int64_t offset) {
  std::vector<Position> positions;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    positions.push_back({{kTopic, p}, offset});
  return positions;
}

/// Records per second from the first send() to the last acknowledgement.
double append(SqliteStream& stream, std::size_t records) {
  std::atomic<std::size_t> acknowledged{0};
  auto producer = stream
                      .producer([&](std::span<const Delivery> deliveries) {
                        for (const auto& delivery : deliveries) {
                          acknowledged += delivery.outcome == Outcome::acknowledged ? 1 : 0;
                        }
                      })
                      .value();
  const std::string value(kValueBytes, 'v');
  const std::vector<Header> headers{{"ce_type", "Bench"}, {"ce_id", "1-2"}};
  const auto start = Time::now();
  for (std::size_t i = 0; i < records; ++i) {
    const std::string key = "member-" + std::to_string(i * 7919 % 100'000);
    const Draft draft{kTopic, key, value, headers, std::nullopt};
    while (!producer->send(draft, i))
      std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  producer->flush(std::chrono::minutes(5));
  const double rate = static_cast<double>(records) / seconds_since(start);
  if (acknowledged != records) std::exit(1);
  return rate;
}

/// Records per second through a consumer that reads from the start.
double deliver(SqliteStream& stream, std::size_t records) {
  auto consumer = stream.consumer().value();
  consumer->assign(all_from(Position::kStart)).value();
  std::size_t read = 0;
  std::size_t bytes = 0;
  const auto start = Time::now();
  while (read < records) {
    const auto batch = consumer->poll(kPollRecords, std::chrono::seconds(1)).value();
    read += batch.records().size();
    for (const auto& record : batch.records())
      bytes += record.value->size();
  }
  if (bytes < records * kValueBytes) std::exit(1);
  return static_cast<double>(read) / seconds_since(start);
}

/// From send() to the return of a poll() that waited in another thread, sorted, in milliseconds.
std::vector<double> lone(SqliteStream& stream) {
  auto producer = stream.producer({}).value();
  auto consumer = stream.consumer().value();
  consumer->assign(all_from(Position::kEnd)).value();
  std::atomic<int> arrived{0};
  std::thread reader([&] {
    while (arrived < kLoneRecords) {
      arrived += static_cast<int>(
          consumer->poll(kPollRecords, std::chrono::seconds(1)).value().records().size());
      arrived.notify_all();
    }
  });
  std::vector<double> times;
  const std::string value(kValueBytes, 'v');
  for (int i = 0; i < kLoneRecords; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    const auto start = Time::now();
    producer->send({kTopic, "key", value, {}, std::nullopt}, 1).value();
    arrived.wait(i);
    times.push_back(seconds_since(start) * 1000);
  }
  reader.join();
  std::sort(times.begin(), times.end());
  return times;
}

double fsync_ms(const std::filesystem::path& folder) {
  // What a lone commit cannot be faster than.
  const auto path = folder / "fsync.probe";
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::vector<double> times;
  const std::string page(4096, 'x');
  for (int i = 0; i < 50; ++i) {
    const auto start = Time::now();
    std::fwrite(page.data(), 1, page.size(), file);
    std::fflush(file);
    ::fdatasync(::fileno(file));
    times.push_back(seconds_since(start) * 1000);
  }
  std::fclose(file);
  std::filesystem::remove(path);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder =
      std::filesystem::path(argc > 1 ? argv[1] : ".") / "bench_stream_sqlite.tmp";
  const auto records = static_cast<std::size_t>(argc > 2 ? std::atoll(argv[2]) : 500'000);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  SqliteOptions options;
  options.file = folder / "bench.db";
  {
    auto stream = SqliteStream::open(options).value();
    const TopicSpec spec{kTopic, kPartitions, Cleanup::retain, std::nullopt, true};
    stream->admin(std::chrono::seconds(10)).value()->ensure_topics({&spec, 1}).value();
    const double appended = append(*stream, records);
    const std::size_t wal = stream->figures().wal_bytes;
    const auto commits = stream->figures().commits;
    const double delivered = deliver(*stream, records);
    const auto times = lone(*stream);
    std::printf(
        "{\"bench\":\"stream_sqlite\",\"records\":%zu,\"value_bytes\":%zu,\"partitions\":%d,"
        "\"append_per_s\":%.0f,\"deliver_per_s\":%.0f,\"lone_ms_p50\":%.3f,\"lone_ms_p99\":%.3f,"
        "\"fsync_ms_p50\":%.3f,\"commits\":%llu,\"wal_mb\":%.1f}\n",
        records, kValueBytes, kPartitions, appended, delivered, times[times.size() / 2],
        times[times.size() * 99 / 100], fsync_ms(folder), static_cast<unsigned long long>(commits),
        static_cast<double>(wal) / 1048576.0);
  }
  std::filesystem::remove_all(folder);
  return 0;
}
