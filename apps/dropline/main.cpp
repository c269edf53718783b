// Everything in one process, and the operator's commands.
#include <iostream>
#include <sstream>

#include "audit.hpp"
#include "common/keys.hpp"
#include "common/options.hpp"
#include "common/process_clock.hpp"
#include "common/web.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/http/bearer.hpp"
#include "serve.hpp"

namespace dropline::apps {
namespace {

int make_keys(const config::Invocation& call) {
  SystemRandom random;
  const auto folder = keys_folder(call.settings());
  auto keys = load_keys(folder, true, random);
  if (!keys) return fail(keys.error());
  call.out() << "keys are in " << folder.string() << "\nreceipts are signed for the public key "
             << keys->receipts.public_key().text() << '\n';
  return 0;
}

int not_a_member(const config::Invocation& call) {
  call.err() << "dropline: --member must be a UUID, such as "
                "0190a0b0-0000-7000-8000-000000000001\n";
  return config::kExitUsage;
}

/// One token a line: for the member named, or for each line of standard input where that is "-".
int mint_tokens(const config::Invocation& call) {
  const auto& settings = call.settings();
  const auto& named = call.own().text("member");
  if (named != "-" && !MemberId::parse(named)) return not_a_member(call);
  SystemRandom random;
  const auto folder = keys_folder(settings);
  if (!std::filesystem::exists(folder / "tokens.key")) {
    call.err() << "dropline: there is no development key in " << folder.string()
               << ": tokens are minted only for a server that runs with --dev and the same "
                  "--data-dir\n";
    return 1;
  }
  auto keys = load_keys(folder, false, random);
  if (!keys) return fail(keys.error());
  http::TokenRequest request;
  if (call.own().has("role")) request.roles = {call.own().text("role")};
  request.issuer = settings.text("auth.issuer");
  request.audience = settings.text("auth.audience");
  request.key_id = kDevelopmentKeyId;
  request.lifetime = call.own().duration<std::chrono::seconds>("lifetime");
  std::istringstream one(named);
  std::istream& members = named == "-" ? std::cin : one;
  for (std::string line; std::getline(members, line);) {
    const auto member = MemberId::parse(line);
    if (!member) return not_a_member(call);
    request.member = *member;
    request.token_id = random.uuid4().text();
    call.out() << http::mint(request, *keys->tokens, process_clock().now()) << '\n';
  }
  return 0;
}

/// For integrators: the id that stock will expect of their order.
int print_order_id(const config::Invocation& call) {
  const auto member = MemberId::parse(call.own().text("member"));
  const auto drop = call.own().has("drop") ? DropId::parse(call.own().text("drop")) : std::nullopt;
  if (!member || (call.own().has("drop") && !drop)) {
    call.err() << "dropline: --member and --drop must be UUIDs, such as "
                  "0190a0b0-0000-7000-8000-000000000001\n";
    return config::kExitUsage;
  }
  const auto& key = call.own().text("key");
  if (!contracts::valid_idempotency_key(key)) {
    call.err() << "dropline: --key must be 1 to 128 visible ASCII characters without quotes and "
                  "backslashes\n";
    return config::kExitUsage;
  }
  call.out() << contracts::make_order_id(*member, drop, key).text() << '\n';
  return 0;
}

config::CommandLine commands() {
  auto line = command_line("dropline", "An order pipeline for limited goods, in one process");
  line.add({.name = "serve",
            .summary = "Run everything in this process, on one SQLite file",
            .help = "Takes orders over HTTP and works them off. Data is in data_dir/dropline.db; "
                    "only one process may serve it.",
            .sections = {"*"},
            .examples = {{"dropline serve --dev --admin-address 127.0.0.1:8081",
                          "shoppers on 127.0.0.1:8080, operators on 8081, under ./var"}},
            .run = serve});
  config::Schema token;
  token.text("member", std::nullopt, "The member's UUID; - reads many, one a line.").required();
  token.choice("role", {"admin"}, std::nullopt, "What the bearer may be beside a member.");
  token.duration("lifetime", std::chrono::hours(1), "How long it is good.")
      .range(std::chrono::seconds(1), http::TokenRules().max_lifetime);
  line.add({.name = "token",
            .summary = "Print a bearer token for a server that runs with --dev",
            .own = token,
            .sections = {"", "auth", "keys"},
            .examples = {{"dropline token --member 0190a0b0-0000-7000-8000-000000000001", ""}},
            .run = mint_tokens});
  line.add({.name = "keys",
            .summary = "Make the shop's keys where they are missing",
            .sections = {"", "keys"},
            .run = make_keys});
  config::Schema order;
  order.text("member", std::nullopt, "The member's UUID.").required();
  order.text("drop", std::nullopt, "The drop's UUID; without it, an ordinary order.");
  order.text("key", std::nullopt, "The attempt's Idempotency-Key.").required();
  line.add({.name = "order-id",
            .summary = "Print the id of an order, for who writes orders to Kafka directly",
            .own = order,
            .examples = {{"dropline order-id --member 0190a0b0-0000-7000-8000-000000000001 "
                          "--key first-try",
                          ""}},
            .run = print_order_id});
  add_audit_commands(line);
  return line;
}

}  // namespace
}  // namespace dropline::apps

int main(int argc, char** argv) {
  return dropline::apps::commands().run(argc, argv);
}
