#include "connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "listener.hpp"
#include "stream.hpp"
#include "target.hpp"
#include "text.hpp"

namespace dropline::http {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// Beyond the largest head: room for what follows it in the same packet.
constexpr std::size_t kInputSlack = 4'096;
/// Buffers that grew for one large message are given back.
constexpr std::size_t kKeptInput = 4'096;
constexpr std::size_t kKeptOutput = 16'384;
/// How much a peer may still send after its request was refused.
constexpr std::size_t kLingerBytes = 4 * 1'024 * 1'024;

void append_chunk(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  char digits[16];
  std::size_t at = sizeof digits;
  for (auto size = bytes.size(); size > 0; size >>= 4)
    digits[--at] = kHex[size & 0x0F];
  out.append(digits + at, sizeof digits - at);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

bool blocked(const error_code& code) noexcept {
  return code == asio::error::would_block || code == asio::error::try_again;
}

}  // namespace

Connection::Connection(std::shared_ptr<IoThread> thread, std::shared_ptr<const Listener> listener,
                       Socket socket, std::string client_address)
    : thread_(std::move(thread)),
      listener_(std::move(listener)),
      shared_(thread_->shared()),
      socket_(std::move(socket)),
      client_address_(std::move(client_address)),
      scanner_({shared_.options.max_request_line_bytes, shared_.options.max_head_bytes,
                shared_.options.max_header_count}) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() = default;

void Connection::start() {
  self_ = shared_from_this();
  thread_->enter(*this);
  thread_->arm(phase_deadline_, DeadlineKind::idle);
  wait_readable();
}

void Connection::start_refused() {
  self_ = shared_from_this();
  thread_->enter(*this);
  current_.began = std::chrono::steady_clock::now();
  auto response =
      unavailable(Language::en, shared_.options.retry_after, "There are too many connections.")
          .response();
  append_answer(out_, response, frame(true));
  observe(response.status, out_.size());
  phase_ = Phase::flushing;
  flush();
}

// ---- Input ----------------------------------------------------------------------------------

void Connection::wait_readable() {
  if (reading_ || input_ended_ || phase_ == Phase::closed) return;
  reading_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const error_code& code) {
    self->reading_ = false;
    if (self->phase_ == Phase::closed) return;
    if (code) return self->close();
    self->on_readable();
  });
}

void Connection::on_readable() {
  if (phase_ == Phase::lingering || phase_ == Phase::flushing || phase_ == Phase::streaming)
    return discard_input();
  const auto limit = shared_.options.max_head_bytes + kInputSlack;
  // A full buffer is backpressure: the peer waits until what it sent before is answered.
  if (in_.size() >= limit) return;
  auto& scratch = thread_->scratch();
  error_code code;
  const auto size = socket_.read_some(
      asio::buffer(scratch.data(), std::min(scratch.size(), limit - in_.size())), code);
  if (blocked(code)) return wait_readable();
  if (code == asio::error::eof) return on_input_end();
  if (code) return close();
  in_.append(scratch.data(), size);
  if (phase_ == Phase::handling) return wait_readable();
  consume();
}

void Connection::on_input_end() {
  input_ended_ = true;
  switch (phase_) {
    case Phase::handling:
      return peer_left();
    case Phase::head:
    case Phase::body:
      return consume();
    case Phase::flushing:
      return;
    case Phase::streaming:
    case Phase::lingering:
    case Phase::closed:
      return close();
  }
}

void Connection::discard_input() {
  auto& scratch = thread_->scratch();
  error_code code;
  const auto size = socket_.read_some(asio::buffer(scratch), code);
  if (blocked(code)) return wait_readable();
  if (code == asio::error::eof) return on_input_end();
  if (code) return close();
  linger_budget_ += size;
  if (linger_budget_ > kLingerBytes) return close();
  wait_readable();
}

void Connection::consume() {
  if (consuming_) return;
  consuming_ = true;
  bool starved = false;
  while (phase_ == Phase::head || phase_ == Phase::body) {
    const auto waiting = out_.size() - out_at_;
    if (burst_ >= shared_.options.max_pipelined || waiting > shared_.options.max_output_bytes) {
      flush();
      if (out_at_ < out_.size() || phase_ == Phase::closed) break;
    }
    if (!(phase_ == Phase::head ? step_head() : step_body())) {
      starved = phase_ == Phase::head || phase_ == Phase::body;
      break;
    }
  }
  consuming_ = false;
  if (phase_ == Phase::closed) return;
  compact();
  // What is left can never become a request.
  if (starved && input_ended_) phase_ = Phase::flushing;
  flush();
  if (phase_ == Phase::handling && input_ended_ && !peer_gone_) return peer_left();
  if (starved || phase_ == Phase::handling) wait_readable();
}

bool Connection::step_head() {
  auto text = buffered();
  // One empty line before a request is forgiven, as RFC 9112 asks.
  if (!in_request_ && !blank_line_skipped_ && text.starts_with("\r\n")) {
    blank_line_skipped_ = true;
    in_at_ += 2;
    text = buffered();
  }
  const bool only_cr = !in_request_ && !blank_line_skipped_ && text == "\r";
  if (text.empty() || only_cr) {
    if (!phase_deadline_.is_linked()) thread_->arm(phase_deadline_, DeadlineKind::idle);
    return false;
  }
  if (!in_request_) {
    in_request_ = true;
    current_ = {};
    current_.began = std::chrono::steady_clock::now();
  }
  switch (scanner_.scan(text)) {
    case HeadScanner::State::more:
      if (!phase_deadline_.is_linked() || phase_deadline_.kind != DeadlineKind::head)
        thread_->arm(phase_deadline_, DeadlineKind::head);
      return false;
    case HeadScanner::State::bad: {
      const auto fault = scanner_.fault();
      refuse(fault.status, fault.refusal, fault.detail);
      return false;
    }
    case HeadScanner::State::complete:
      break;
  }
  const auto size = scanner_.head_size();
  scanner_.reset();
  IoThread::disarm(phase_deadline_);
  const bool going_on = begin_request(text.substr(0, size));
  return going_on;
}

bool Connection::begin_request(std::string_view text) {
  auto parsed = parse_head(text);
  if (const auto* fault = std::get_if<HeadFault>(&parsed)) {
    refuse(fault->status, fault->refusal, fault->detail);
    return false;
  }
  auto& head = std::get<Head>(parsed);
  current_.minor_version = head.minor_version;
  current_.head_only = head.method == Method::head;
  current_.keep_alive = head.keep_alive;
  auto target = parse_target(head.target, head.method);
  if (!target) {
    refuse(400, Refusal::malformed, "the target is not a valid path and query");
    return false;
  }
  if (!target->authority.empty() && !iequals(target->authority, head.host)) {
    refuse(400, Refusal::malformed, "the target names another host than the Host header");
    return false;
  }
  auto& parts = parts_.emplace();
  parts.method = head.method;
  parts.minor_version = head.minor_version;
  parts.target = head.target;
  if (target->asterisk) {
    current_.path_known = true;
    current_.allow = Listener::kAllow;
  } else {
    auto match = listener_->options().router.find(head.method, target->segments);
    current_.route = match.route;
    current_.path_known = match.path_known;
    current_.allow = match.allow;
    parts.path_parameters = std::move(match.parameters);
  }
  parts.route = current_.route ? std::string_view(current_.route->name) : "none";
  parts.path = std::move(target->path);
  parts.query = std::move(target->query);
  parts.headers = std::move(head.headers);
  parts.head = text;
  parts.client_address = client_address_;
  parts.received_at = shared_.clock().now();
  return begin_body(text, head);
}

bool Connection::begin_body(std::string_view text, const Head& head) {
  const auto own_limit = current_.route ? current_.route->options.max_body_bytes : 0;
  current_.max_body_bytes = own_limit > 0 ? own_limit : shared_.options.max_body_bytes;
  if (head.content_length && *head.content_length > current_.max_body_bytes) {
    refuse(content_too_large(Language::en, current_.max_body_bytes), Refusal::body_too_large);
    return false;
  }
  reader_.emplace(parts_->body, current_.max_body_bytes);
  if (!reader_->take_head(text, head)) {
    refuse(400, Refusal::malformed, "the headers are ambiguous");
    return false;
  }
  in_at_ += text.size();
  current_.request_bytes = text.size();
  if (!reader_->has_body()) return dispatch();
  if (head.expects_continue && buffered().empty()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  phase_ = Phase::body;
  thread_->arm(phase_deadline_, DeadlineKind::body);
  return true;
}

bool Connection::step_body() {
  std::size_t used = 0;
  const auto state = reader_->take_body(buffered(), used);
  in_at_ += used;
  current_.request_bytes += used;
  switch (state) {
    case MessageReader::State::more:
      return false;
    case MessageReader::State::complete:
      break;
    case MessageReader::State::malformed:
      refuse(400, Refusal::malformed, "the chunked body is malformed");
      return false;
    case MessageReader::State::too_large:
      refuse(content_too_large(Language::en, current_.max_body_bytes), Refusal::body_too_large);
      return false;
  }
  IoThread::disarm(phase_deadline_);
  return dispatch();
}

void Connection::compact() {
  in_.erase(0, in_at_);
  in_at_ = 0;
  if (in_.empty() && in_.capacity() > kKeptInput) std::string().swap(in_);
}

// ---- Handling -------------------------------------------------------------------------------

bool Connection::dispatch() {
  reader_.reset();
  in_request_ = false;
  blank_line_skipped_ = false;
  Request request(std::move(*parts_));
  parts_.reset();
  const auto caller = TraceContext::parse(request.header("traceparent").value_or(""));
  auto& random = thread_->random();
  request_ = std::make_shared<const Request>(
      std::move(request), caller ? caller->child(random) : TraceContext::generate(random));
  ++shared_.requests;
  ++shared_.in_flight;
  phase_ = Phase::handling;
  const auto sequence = ++sequence_;
  if (auto answer = answer_without_handler()) {
    finish(std::move(*answer));
    return true;
  }
  inline_ = true;
  run_handler(std::make_shared<Exchange>(request_, shared_from_this(), sequence));
  inline_ = false;
  if (auto stream = std::exchange(inline_stream_, nullptr)) {
    begin_stream(sequence, std::move(stream));
    return false;
  }
  if (inline_answer_) {
    auto answer = std::move(*inline_answer_);
    inline_answer_.reset();
    finish(std::move(answer));
    return true;
  }
  thread_->arm(phase_deadline_, DeadlineKind::answer);
  return false;
}

void Connection::run_handler(const ExchangePtr& exchange) {
  // What a handler throws is its bug; it costs one request, never the server.
  try {
    const auto& before = listener_->options().before;
    if (before) before(exchange);
    if (!exchange->answered()) current_.route->handler(exchange);
  } catch (...) {
    exchange->try_respond(internal_error(request_->language()).response());
  }
}

std::optional<Response> Connection::answer_without_handler() {
  const auto language = request_->language();
  if (!current_.route) {
    if (!current_.path_known) return not_found(language).response();
    if (request_->method() == Method::options)
      return empty_response(204).header("Allow", std::string(current_.allow));
    return method_not_allowed(language, std::string(current_.allow)).response();
  }
  if (shared_.in_flight > shared_.options.max_in_flight && !current_.route->options.always_admit) {
    shared_.count(listener_->options().name, Refusal::too_many_in_flight);
    return unavailable(language, shared_.options.retry_after).response();
  }
  return std::nullopt;
}

void Connection::leave_request() noexcept {
  IoThread::disarm(phase_deadline_);
  --shared_.in_flight;
  std::function<void()> forgotten;  // may hold the exchange: goes after the lock
  const std::scoped_lock lock(watch_mutex_);
  ++sequence_;
  forgotten.swap(on_closed_);
}

void Connection::run_after(Response& response) {
  const auto& after = listener_->options().after;
  if (!after) return;
  try {
    after(*request_, response);
  } catch (...) {
    response = internal_error(request_->language()).response();
  }
}

void Connection::finish(Response response) {
  leave_request();
  run_after(response);
  if (!well_formed(response)) response = internal_error(request_->language()).response();
  ++answered_;
  const bool close = response.close || must_close();
  const auto before = out_.size();
  append_answer(out_, response, frame(close));
  observe(response.status, out_.size() - before);
  request_.reset();
  ++burst_;
  phase_ = close ? Phase::flushing : Phase::head;
}

bool Connection::must_close() const noexcept {
  const auto limit = shared_.options.max_requests_per_connection;
  return !current_.keep_alive || shared_.closing_answers || (limit > 0 && answered_ >= limit) ||
         (input_ended_ && buffered().empty());
}

void Connection::complete(std::uint64_t sequence, Response response) {
  if (phase_ != Phase::handling || sequence != sequence_) return;
  finish(std::move(response));
  if (phase_ == Phase::head) return consume();
  compact();
  flush();
}

void Connection::begin_stream(std::uint64_t sequence, std::shared_ptr<StreamState> stream) {
  if (phase_ != Phase::handling || sequence != sequence_) return stream->end();
  leave_request();
  phase_ = Phase::streaming;
  stream_ = std::move(stream);
  const auto& observer = shared_.options.observer;
  if (observer) observer->on_stream(listener_->options().name, 1);
  const auto before = out_.size();
  append_stream_head(out_, frame(false));
  observe(200, out_.size() - before);
  request_.reset();
  in_.clear();
  in_at_ = 0;
  thread_->arm(phase_deadline_, DeadlineKind::ping);
  if (shared_.draining) stream_->close();
  if (input_ended_) return close();
  write_stream();
  wait_readable();
}

void Connection::write_stream() {
  if (phase_ != Phase::streaming) return;
  const auto work = stream_->take();
  if (work.overflowed) {
    shared_.count(listener_->options().name, Refusal::stream_backlog);
    return close();
  }
  const bool chunked = current_.minor_version >= 1;
  if (!work.bytes.empty()) {
    if (chunked) {
      append_chunk(out_, work.bytes);
    } else {
      out_ += work.bytes;
    }
    thread_->arm(phase_deadline_, DeadlineKind::ping);
  }
  if (work.closing) {
    if (chunked) out_ += "0\r\n\r\n";
    IoThread::disarm(phase_deadline_);
    phase_ = Phase::flushing;
  }
  flush();
}

void Connection::refuse(int status, Refusal refusal, std::string_view detail) {
  auto problem = standard_problem(status, Language::en);
  problem.detail(std::string(detail));
  refuse(problem, refusal);
}

void Connection::refuse(const Problem& problem, Refusal refusal) {
  shared_.count(listener_->options().name, refusal);
  const auto response = problem.response();
  const auto before = out_.size();
  append_answer(out_, response, frame(true));
  observe(response.status, out_.size() - before);
  reader_.reset();
  parts_.reset();
  in_.clear();
  in_at_ = 0;
  IoThread::disarm(phase_deadline_);
  phase_ = Phase::flushing;
  flush();
}

void Connection::observe(int status, std::size_t response_bytes) noexcept {
  auto* observer = shared_.options.observer;
  if (!observer) return;
  observer->on_request({listener_->options().name,
                        current_.route ? std::string_view(current_.route->name) : "none",
                        request_.get(), status, std::chrono::steady_clock::now() - current_.began,
                        current_.request_bytes, response_bytes});
}

void Connection::peer_left() {
  std::function<void()> callback;
  {
    const std::scoped_lock lock(watch_mutex_);
    peer_gone_ = true;
    callback.swap(on_closed_);
  }
  if (callback) callback();
}

// ---- Output ---------------------------------------------------------------------------------

AnswerFrame Connection::frame(bool close) {
  return {current_.minor_version, current_.head_only, close, thread_->date()};
}

void Connection::flush() {
  if (phase_ == Phase::closed) return;
  while (out_at_ < out_.size()) {
    error_code code;
    const auto size =
        socket_.write_some(asio::buffer(out_.data() + out_at_, out_.size() - out_at_), code);
    if (blocked(code)) return wait_writable();
    if (code) return close();
    out_at_ += size;
    // An event stream has no end that a deadline could be set for: there it runs between writes.
    if (phase_ == Phase::streaming) IoThread::disarm(write_deadline_);
  }
  out_.clear();
  out_at_ = 0;
  burst_ = 0;
  if (out_.capacity() > kKeptOutput) std::string().swap(out_);
  IoThread::disarm(write_deadline_);
  if (stream_) stream_->unsent(0);
  on_output_done();
}

void Connection::wait_writable() {
  if (stream_) stream_->unsent(out_.size() - out_at_);
  if (!write_deadline_.is_linked()) thread_->arm(write_deadline_, DeadlineKind::write);
  if (writing_) return;
  writing_ = true;
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](const error_code& code) {
    self->writing_ = false;
    if (self->phase_ == Phase::closed) return;
    if (code) return self->close();
    self->flush();
    const bool idle = self->phase_ == Phase::head || self->phase_ == Phase::body;
    if (idle && self->out_.empty()) self->consume();
  });
}

void Connection::on_output_done() {
  if (phase_ != Phase::flushing) return;
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  if (input_ended_) return close();
  phase_ = Phase::lingering;
  thread_->arm(phase_deadline_, DeadlineKind::linger);
  if (shared_.draining) return drain();
  wait_readable();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const bool waiting = phase_ == Phase::handling;
  phase_ = Phase::closed;
  IoThread::disarm(phase_deadline_);
  IoThread::disarm(write_deadline_);
  error_code ignored;
  socket_.close(ignored);
  std::function<void()> callback;
  {
    const std::scoped_lock lock(watch_mutex_);
    peer_gone_ = true;
    ++sequence_;
    callback.swap(on_closed_);
  }
  auto* observer = shared_.options.observer;
  if (waiting) {
    --shared_.in_flight;
    observe(499, 0);
  }
  if (stream_) {
    if (observer) observer->on_stream(listener_->options().name, -1);
    std::exchange(stream_, nullptr)->end();
  }
  request_.reset();
  unlink();
  if (callback) callback();
  if (observer) observer->on_connection(listener_->options().name, -1);
  const auto kept = std::move(self_);
  --thread_->load;
  const std::scoped_lock lock(shared_.gone_mutex);
  if (--shared_.connections == 0) shared_.gone.notify_all();
}

// ---- What others cause ----------------------------------------------------------------------

void Connection::on_deadline(DeadlineKind kind) {
  const auto self = shared_from_this();
  const auto& name = listener_->options().name;
  switch (kind) {
    case DeadlineKind::idle:
      if (out_.empty()) return close();
      return thread_->arm(phase_deadline_, DeadlineKind::idle);
    case DeadlineKind::head:
      return refuse(408, Refusal::head_deadline, "the headers did not arrive in time");
    case DeadlineKind::body:
      return refuse(408, Refusal::body_deadline, "the body did not arrive in time");
    case DeadlineKind::answer:
      shared_.count(name, Refusal::answer_deadline);
      return complete(sequence_, gateway_timeout(request_->language()).response());
    case DeadlineKind::write: {
      shared_.count(name, Refusal::write_deadline);
      // The kernel need not keep what the peer does not take.
      error_code ignored;
      socket_.set_option(asio::socket_base::linger(true, 0), ignored);
      return close();
    }
    case DeadlineKind::linger:
      return close();
    case DeadlineKind::ping:
      if (out_.empty()) stream_->append(":\n\n");
      return thread_->arm(phase_deadline_, DeadlineKind::ping);
  }
}

void Connection::on_letter(Letter& letter) {
  if (letter.response) return complete(letter.sequence, std::move(*letter.response));
  if (letter.stream && letter.sequence != 0)
    return begin_stream(letter.sequence, std::move(letter.stream));
  if (letter.stream) {
    if (letter.stream == stream_) write_stream();
    return;
  }
  if (phase_ == Phase::handling && letter.sequence == sequence_)
    complete(letter.sequence,
             unavailable(request_->language(), shared_.options.retry_after).response());
}

void Connection::drain() {
  const auto self = shared_from_this();
  switch (phase_) {
    case Phase::head:
      // A request may lie in the socket that was sent before the client could know.
      if (!in_request_ && out_.empty()) {
        on_readable();
        if (phase_ == Phase::head && !in_request_ && out_.empty()) close();
      }
      return;
    case Phase::streaming:
      return stream_->close();
    case Phase::lingering:
      discard_input();
      if (phase_ == Phase::lingering) close();
      return;
    case Phase::body:
    case Phase::handling:
    case Phase::flushing:
    case Phase::closed:
      return;
  }
}

bool Connection::deliver(std::uint64_t sequence, Response response) {
  if (sequence != sequence_) return false;
  if (thread_->here() && inline_) {
    inline_answer_ = std::move(response);
    return true;
  }
  Letter letter;
  letter.connection = shared_from_this();
  letter.sequence = sequence;
  letter.response = std::move(response);
  return thread_->mail(std::move(letter));
}

void Connection::watch(std::uint64_t sequence, std::function<void()> on_closed) {
  {
    const std::scoped_lock lock(watch_mutex_);
    if (sequence == sequence_ && !peer_gone_) {
      on_closed_.swap(on_closed);
      return;
    }
  }
  if (peer_gone_) on_closed();
}

EventStreamPtr Connection::upgrade(std::uint64_t sequence) {
  if (sequence != sequence_) return nullptr;
  const bool here = thread_->here() && inline_;
  Letter letter;
  letter.connection = shared_from_this();
  letter.sequence = sequence;
  if (++shared_.streams > shared_.options.max_streams) {
    --shared_.streams;
    shared_.count(listener_->options().name, Refusal::too_many_streams);
    if (here) {
      inline_answer_ = unavailable(request_->language(), shared_.options.retry_after).response();
    } else {
      thread_->mail(std::move(letter));
    }
    return nullptr;
  }
  auto stream = std::make_shared<StreamState>(shared_from_this(), thread_->shared_owner(),
                                              shared_.options.max_stream_backlog);
  if (here) {
    inline_stream_ = stream;
  } else {
    letter.stream = stream;
    if (!thread_->mail(std::move(letter))) stream->end();
  }
  return std::make_shared<StreamHandle>(std::move(stream));
}

bool Connection::gone(std::uint64_t sequence) const noexcept {
  return peer_gone_ || sequence != sequence_;
}

bool Connection::wake(std::shared_ptr<StreamState> stream) {
  Letter letter;
  letter.connection = shared_from_this();
  letter.stream = std::move(stream);
  return thread_->mail(std::move(letter));
}

}  // namespace dropline::http
