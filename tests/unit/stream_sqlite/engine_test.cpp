#include <array>
#include <atomic>
#include <thread>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

TEST_CASE("what is appended in a transaction is read inside it at once, outside after the commit") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  const auto inside = attached.engine().consumer().value();
  seek(*inside, "t", Position::kStart);
  const auto outside = reader(*attached.stream, "t");

  attached.begin();
  std::vector<Place> placed;
  REQUIRE(attached.append(draft("t", "k", "one"), &placed).has_value());
  REQUIRE(placed.size() == 1);
  CHECK(placed[0].offset == 0);
  CHECK(values(inside->poll(10, milliseconds(0)).value()) == std::vector<std::string>{"one"});
  CHECK(outside->poll(10, milliseconds(0)).value().empty());
  attached.commit();
  CHECK(values(outside->poll(10, milliseconds(0)).value()) == std::vector<std::string>{"one"});
}

TEST_CASE(
    "a rollback undoes records, offsets and the engine's reading; the next take their place") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  const auto inside = attached.engine().consumer().value();
  seek(*inside, "t", Position::kStart);
  attached.begin();
  REQUIRE(attached.append(draft("t", "k", "kept")).has_value());
  attached.commit();

  attached.begin();
  REQUIRE(attached.append(draft("t", "k", "undone")).has_value());
  CHECK(inside->poll(10, milliseconds(0)).value().records().size() == 2);
  attached.roll_back();
  CHECK(inside->poll(10, milliseconds(0)).value().empty());

  attached.begin();
  std::vector<Place> placed;
  REQUIRE(attached.append(draft("t", "k", "instead"), &placed).has_value());
  CHECK(placed[0].offset == 1);
  CHECK(values(inside->poll(10, milliseconds(0)).value()) == std::vector<std::string>{"instead"});
  attached.commit();
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"kept", "instead"});
}

TEST_CASE("a savepoint's rollback undoes only what came after its mark, also twice and nested") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t"), spec("u")});
  auto& engine = attached.engine();
  const auto undo = [&](std::size_t mark, const char* savepoint) {
    attached.connection.run(std::string("ROLLBACK TO ") + savepoint);
    engine.rolled_back_to(mark);
  };
  attached.begin();
  REQUIRE(attached.append(draft("t", "k", "a")).has_value());
  const auto outer = engine.mark();
  attached.connection.run("SAVEPOINT o");
  REQUIRE(attached.append(draft("t", "k", "x")).has_value());
  undo(outer, "o");
  REQUIRE(attached.append(draft("t", "k", "b")).has_value());
  const auto inner = engine.mark();
  attached.connection.run("SAVEPOINT i");
  REQUIRE(attached.append(draft("t", "k", "y")).has_value());
  REQUIRE(attached.append(draft("u", "k", "y")).has_value());
  undo(inner, "i");
  REQUIRE(attached.append(draft("t", "k", "z")).has_value());
  undo(inner, "i");
  REQUIRE(attached.append(draft("t", "k", "c")).has_value());
  attached.commit();
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"a", "b", "c"});
  CHECK(content(*attached.stream, "u").empty());
  CHECK(extent(*attached.stream, "t").end == 3);
}

TEST_CASE("sends wait for the engine, are acknowledged after its commit, and wake readers") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  std::atomic<bool> read{false};
  std::thread waiting([&] {
    const auto tail = reader(*attached.stream, "t");
    const auto start = std::chrono::steady_clock::now();
    const bool came = tail->poll(10, kWaitLimit).value().records().size() == 1;
    // By the commit, not by the end of its patience.
    read = came && std::chrono::steady_clock::now() - start < kWaitLimit / 2;
  });
  REQUIRE(producer->send(draft("t", "k", "v"), 41).has_value());
  CHECK_FALSE(producer->flush(milliseconds(0)));
  CHECK(attached.engine().wait_for_work(kWaitLimit));
  attached.begin();
  CHECK(attached.take() == 1);
  CHECK(journal.count() == 0);
  attached.commit();
  REQUIRE(journal.of(41).has_value());
  CHECK(journal.of(41)->outcome == Outcome::acknowledged);
  CHECK(journal.of(41)->offset == 0);
  waiting.join();
  CHECK(read);
}

TEST_CASE("sends taken in a round that is rolled back come again, once, in their order") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(producer->send(draft("t", "k", std::to_string(i)), i).has_value());
  }
  attached.begin();
  CHECK(attached.engine().take_sends(3).value() == 3);
  attached.roll_back();
  CHECK(journal.count() == 0);
  CHECK(attached.engine().wait_for_work(milliseconds(0)));
  attached.begin();
  CHECK(attached.engine().take_sends(2).value() == 2);
  CHECK(attached.engine().take_sends(2).value() == 2);
  attached.commit();
  CHECK(journal.count() == 4);
  attached.begin();
  CHECK(attached.take() == 1);
  attached.commit();
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"0", "1", "2", "3", "4"});
  CHECK(journal.count() == 5);
  CHECK(journal.all(Outcome::acknowledged));
}

TEST_CASE("a savepoint after the sends leaves them taken; one before them gives them back") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  auto& engine = attached.engine();
  REQUIRE(producer->send(draft("t", "k", "sent"), 1).has_value());

  attached.begin();
  const auto before = engine.mark();
  attached.connection.run("SAVEPOINT b");
  CHECK(attached.take() == 1);
  attached.connection.run("ROLLBACK TO b");
  engine.rolled_back_to(before);
  attached.commit();
  CHECK(journal.count() == 0);

  attached.begin();
  CHECK(attached.take() == 1);
  const auto after = engine.mark();
  attached.connection.run("SAVEPOINT a");
  REQUIRE(attached.append(draft("t", "k", "undone")).has_value());
  attached.connection.run("ROLLBACK TO a");
  engine.rolled_back_to(after);
  attached.commit();
  CHECK(journal.count() == 1);
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"sent"});
}

TEST_CASE("records appended beside rows of the same transaction come and go with them") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  attached.connection.run("CREATE TABLE service_rows (n INTEGER)");
  attached.begin();
  attached.connection.run("INSERT INTO service_rows VALUES (1)");
  REQUIRE(attached.append(draft("t", "k", "v")).has_value());
  attached.roll_back();
  CHECK(attached.connection.integer("SELECT count(*) FROM service_rows") == 0);
  CHECK(content(*attached.stream, "t").empty());
}

TEST_CASE("an append that cannot be says why, and the transaction can be undone") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t", 2)});
  attached.begin();
  CHECK(attached.append(draft("nowhere", "k", "v")).error().code == Errc::unknown_topic);
  CHECK(attached.append(draft("t", "k", "v", 2)).error().code == Errc::bad_partition);
  CHECK(attached.append(draft("t", "k", std::string(kMaxRecordBytes, 'x'))).error().code ==
        Errc::too_large);
  attached.roll_back();
  attached.begin();
  CHECK(attached.append(draft("t", "k", "v", 1)).has_value());
  attached.commit();
}

TEST_CASE("an admin's question is answered by the engine's next commit, or when it is overdue") {
  const Folder folder;
  Attached attached(options_for(folder));
  const auto specs = std::vector{spec("made")};
  {
    const auto admin = attached.stream->admin(milliseconds(20)).value();
    CHECK(admin->ensure_topics(specs).error().code == Errc::timed_out);
  }
  attached.begin();
  attached.take();
  attached.commit();
  CHECK(attached.stream->topics().value().empty());  // given up, so not done later

  Status made = error(Errc::failed, "not answered");
  std::thread asking(
      [&] { made = attached.stream->admin(kWaitLimit).value()->ensure_topics(specs); });
  CHECK(attached.engine().wait_for_work(kWaitLimit));
  attached.begin();
  attached.take();
  attached.roll_back();  // undone: asked again in the next round
  attached.begin();
  attached.take();
  REQUIRE(attached.append(draft("made", "k", "v")).has_value());
  attached.commit();
  asking.join();
  CHECK(made.has_value());
  CHECK(content(*attached.stream, "made") == std::vector<std::string>{"v"});
}

TEST_CASE("a topic made in a transaction that is undone is not there, and its number is free") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  const auto ask = [&](const std::string& name, bool keep) {
    Status answer;
    std::thread asking([&] {
      answer = attached.stream->admin(milliseconds(keep ? 10'000 : 200))
                   .value()
                   ->ensure_topics(std::vector{spec(name)});
    });
    CHECK(attached.engine().wait_for_work(kWaitLimit));
    attached.begin();
    attached.take();
    if (keep) {
      attached.commit();
    } else {
      REQUIRE(attached.append(draft(name, "k", "undone")).has_value());
      attached.roll_back();
    }
    asking.join();
    return answer.has_value();
  };
  CHECK_FALSE(ask("undone", false));
  CHECK(ask("made", true));
  attached.begin();
  CHECK(attached.append(draft("undone", "k", "v")).error().code == Errc::unknown_topic);
  REQUIRE(attached.append(draft("made", "k", "v")).has_value());
  attached.commit();
  const auto batch = reader(*attached.stream, "made")->poll(10, milliseconds(0)).value();
  REQUIRE(batch.records().size() == 1);
  CHECK(batch.records()[0].topic == "made");
  CHECK(batch.records()[0].offset == 0);
}

TEST_CASE("records sent to a topic that was removed meanwhile fail alone") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("gone"), spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  REQUIRE(producer->send(draft("gone", "k", "v"), 1).has_value());
  REQUIRE(producer->send(draft("t", "k", "v"), 2).has_value());
  const auto inside = attached.engine().consumer().value();
  seek(*inside, "gone", Position::kStart);
  const std::vector<std::string> names{"gone"};
  std::thread asking(
      [&] { CHECK(attached.stream->admin(kWaitLimit).value()->remove_topics(names).has_value()); });
  // Both kinds of work are there; admins come first.
  while (attached.stream->topics().value().size() == 2) {
    attached.begin();
    static_cast<void>(attached.engine().take_sends(0));
    attached.commit();
  }
  asking.join();
  attached.begin();
  attached.take();
  attached.commit();
  REQUIRE(journal.count() == 2);
  CHECK(journal.of(1)->outcome == Outcome::failed);
  CHECK(journal.of(1)->error == Errc::unknown_topic);
  CHECK(journal.of(2)->outcome == Outcome::acknowledged);
}

TEST_CASE("wake ends the engine's wait, from any thread and beforehand") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.engine().wake();
  CHECK(attached.engine().wait_for_work(kWaitLimit));
  CHECK_FALSE(attached.engine().wait_for_work(milliseconds(0)));
  std::thread waking([&] { attached.engine().wake(); });
  CHECK(attached.engine().wait_for_work(kWaitLimit));
  waking.join();
}

TEST_CASE("a stopped engine reports what is queued as failed, and refuses the rest") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  REQUIRE(producer->send(draft("t", "k", "v"), 1).has_value());
  attached.engine().stop();
  attached.engine().stop();
  REQUIRE(journal.count() == 1);
  CHECK(journal.of(1)->outcome == Outcome::failed);
  CHECK(producer->send(draft("t", "k", "v"), 2).error().code == Errc::closed);
  const auto admin = attached.stream->admin(kWaitLimit).value();
  CHECK(admin->ensure_topics(std::vector{spec("u")}).error().code == Errc::closed);
  CHECK(content(*attached.stream, "t").empty());
}

TEST_CASE("what a failed COMMIT held is reported as unknown when it is never written") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  REQUIRE(producer->send(draft("t", "k", "in the commit"), 1).has_value());
  attached.begin();
  attached.take();
  attached.connection.run("ROLLBACK");
  attached.engine().rolled_back(true);
  REQUIRE(producer->send(draft("t", "k", "later"), 2).has_value());
  producer->close(milliseconds(10));
  REQUIRE(journal.count() == 2);
  CHECK(journal.of(1)->outcome == Outcome::unknown);
  CHECK(journal.of(2)->outcome == Outcome::failed);
  attached.begin();
  CHECK(attached.take() == 0);  // reported, so not written any more
  attached.commit();
  CHECK(journal.count() == 2);
}

TEST_CASE("closing a producer in the middle of a round reports unknown, and the round goes on") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal closing;
  Journal staying;
  auto closed = attached.stream->producer(closing.handler()).value();
  const auto other = attached.stream->producer(staying.handler()).value();
  REQUIRE(closed->send(draft("t", "k", "a"), 1).has_value());
  REQUIRE(other->send(draft("t", "k", "b"), 1).has_value());
  attached.begin();
  CHECK(attached.take() == 2);
  std::thread([&] { closed->close(milliseconds(10)); }).join();
  CHECK(closing.of(1)->outcome == Outcome::unknown);
  attached.commit();
  CHECK(closing.count() == 1);
  CHECK(staying.of(1)->outcome == Outcome::acknowledged);
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("append times never go back within a partition, not even when the clock does") {
  const Folder folder;
  ManualClock clock;
  auto options = options_for(folder);
  options.clock = &clock;
  const auto start = unix_ms(clock.now());
  {
    Attached attached(options);
    attached.make({spec("t")});
    for (const int seconds : {5, -10, 2}) {
      clock.jump(std::chrono::seconds(seconds));
      attached.begin();
      REQUIRE(attached.append(draft("t", "k", "v")).has_value());
      attached.commit();
    }
  }
  clock.jump(std::chrono::seconds(-60));
  Attached attached(options);  // remembered across a restart
  attached.begin();
  REQUIRE(attached.append(draft("t", "k", "v")).has_value());
  attached.commit();
  const auto batch = reader(*attached.stream, "t")->poll(10, milliseconds(0)).value();
  REQUIRE(batch.records().size() == 4);
  for (const auto& record : batch.records()) {
    CHECK(unix_ms(record.append_time) == start + 5000);
  }
}

TEST_CASE("a batch outlives its consumer and the stream") {
  const Folder folder;
  std::optional<Batch> batch;
  {
    Attached attached(options_for(folder));
    attached.make({spec("topic.with.a.name.too.long.for.a.short.string")});
    attached.begin();
    const std::array<Header, 1> headers{Header{"name", "value"}};
    Draft one = draft("topic.with.a.name.too.long.for.a.short.string", "k", "v");
    one.headers = headers;
    REQUIRE(attached.append(one).has_value());
    attached.commit();
    const auto tail = reader(*attached.stream, "topic.with.a.name.too.long.for.a.short.string");
    batch = tail->poll(10, milliseconds(0)).value();
  }
  REQUIRE(batch->records().size() == 1);
  CHECK(batch->records()[0].topic == "topic.with.a.name.too.long.for.a.short.string");
  CHECK(batch->records()[0].key == "k");
  CHECK(batch->records()[0].header("name") == "value");
}

}  // namespace
}  // namespace dropline::stream::testing
