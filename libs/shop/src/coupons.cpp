// Coupons: a campaign's first-come issue, what the caller has, and what operators do with
// campaigns.
#include "coupons.hpp"
#include "changes.hpp"
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/coupons/coupons_queries.hpp"
#include "json_fields.hpp"
#include "page.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using namespace contracts;  // NOLINT: the messages are most of what this file is about

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMostPage = static_cast<std::size_t>(coupons::kMaxPage);

Text refusal_text(IssueRefusal reason) noexcept {
  switch (reason) {
    case IssueRefusal::not_open:
      return {"Coupons are not given out yet", "아직 쿠폰 발급 기간이 아닙니다"};
    case IssueRefusal::issue_ended:
      return {"Coupons are not given out any more", "쿠폰 발급이 종료되었습니다"};
    case IssueRefusal::paused:
      return {"Coupons are not given out at the moment", "쿠폰 발급이 일시 중지되었습니다"};
    case IssueRefusal::sold_out:
      return {"All coupons are given away", "쿠폰이 모두 소진되었습니다"};
    case IssueRefusal::unknown_campaign:
      break;
  }
  return {"There is no such campaign", "존재하지 않는 쿠폰입니다"};
}

/// A wait for a coupon is found by the coupon's id: several requests of a member share the answer,
/// each under a name of its own.
ChangeId ticket_of(Api::Core& core) {
  return ChangeId(core.parts.random.uuid7(core.parts.clock.now()));
}

http::Response coupon_response(int status, const CouponId& coupon, std::string_view state) {
  std::string body;
  JsonWriter out(body);
  out.open_object();
  write_field(out, "coupon", coupon);
  out.name("state");
  out.plain(state);
  out.close_object();
  auto response = http::json_response(status, std::move(body));
  response.header("Location", "/v1/coupons/" + coupon.text()).header("Cache-Control", "no-store");
  return response;
}

template <class T>
std::optional<T> id_of(const http::ExchangePtr& exchange) {
  const auto id = T::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

void respond_issue(const http::ExchangePtr& exchange, const CouponId& coupon,
                   const ChangeAnswer* answer) {
  const auto language = exchange->request().language();
  if (!answer) {
    exchange->try_respond(coupon_response(202, coupon, "asked"));
  } else if (!answer->refused) {
    exchange->try_respond(coupon_response(200, coupon, "free"));
  } else {
    const auto reason =
        parse_enum<IssueRefusal>(answer->reason).value_or(IssueRefusal::unknown_campaign);
    const int status = reason == IssueRefusal::unknown_campaign ? 404 : 409;
    exchange->try_respond(
        problem(status, answer->reason, refusal_text(reason), language).response());
  }
}

/// Asking again is asking for the same coupon: no Idempotency-Key is needed.
void ask_for_coupon(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto campaign = id_of<CampaignId>(exchange);
  if (!campaign) return;
  IssueCoupon command;
  command.campaign = *campaign;
  command.member = caller->member;
  const auto coupon = make_coupon_id(*campaign, caller->member);
  const auto wait = patience(exchange->request(), core->options.max_wait);
  const auto ticket = ticket_of(*core);
  const bool waits = wait > wait.zero() &&
                     core->answers.wait_for(coupon, ticket, core->parts.clock.steady() + wait,
                                            [exchange, coupon](const ChangeAnswer* answer) {
                                              respond_issue(exchange, coupon, answer);
                                            });
  if (!waits)
    return send_command(core, exchange, command, {}, coupon_response(202, coupon, "asked"));
  send_command(core, exchange, command, {}, std::nullopt);
  if (exchange->answered()) core->answers.cancel(ticket);
}

http::Response shown(std::string body) {
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

void get_coupon(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto id = id_of<CouponId>(exchange);
  if (!id) return;
  respond_from_tables(
      core, exchange,
      [id = *id, member = caller->member, language = exchange->request().language()](
          store::Session& session) -> Result<http::Response> {
        const auto owned = coupons::find_coupon(session, id, member);
        if (!owned) return owned.error();
        if (!*owned) return http::not_found(language).retry_after(kRetryAfter).response();
        std::string body;
        JsonWriter out(body);
        write_coupon(out, **owned);
        return shown(std::move(body));
      });
}

std::string cursor_text(const coupons::Cursor& cursor) {
  return std::to_string(unix_us(cursor.issued_at)) + '-' + cursor.coupon.text();
}

std::optional<coupons::Cursor> parse_cursor(std::string_view text) {
  const auto end = parse_page_end(text, '-');
  if (!end || end->time < 0) return std::nullopt;
  return coupons::Cursor{from_unix_us(end->time), CouponId(end->id)};
}

void list_coupons(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto after = page_after(exchange, parse_cursor);
  if (!after) return;
  const auto limit = page_limit(exchange, kUsualPage, kMostPage);
  if (!limit) return;
  respond_from_tables(
      core, exchange,
      [member = caller->member, after = *after, limit = static_cast<std::int64_t>(*limit)](
          store::Session& session) -> Result<http::Response> {
        const auto page = coupons::coupons_page(session, member, after, limit);
        if (!page) return page.error();
        std::string body;
        JsonWriter out(body);
        out.open_object();
        out.name("coupons");
        out.open_array();
        for (const auto& owned : page->coupons)
          write_coupon(out, owned);
        out.close_array();
        if (page->next) {
          out.name("next");
          out.plain(cursor_text(*page->next));
        }
        out.close_object();
        return shown(std::move(body));
      });
}

/// A member who is granted a coupon, and why.
struct GrantRequest {
  MemberId member;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("member", self.member);
    visit("reason", self.reason, kReasonBounds);
  }
};

struct SwitchRequest {
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reason", self.reason, kReasonBounds);
  }
};

void put_campaign(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<CampaignId>(exchange);
  if (!id) return;
  auto body = body_of<CampaignTerms>(exchange);
  if (!body) return;
  auto command = begin<PutCampaign>(core, *caller);
  command.campaign = *id;
  command.terms = std::move(*body);
  send(core, exchange, command);
}

template <class Command>
void switch_campaign(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<CampaignId>(exchange);
  if (!id) return;
  auto body = body_of<SwitchRequest>(exchange);
  if (!body) return;
  auto command = begin<Command>(core, *caller);
  command.campaign = *id;
  command.reason = std::move(body->reason);
  send(core, exchange, command);
}

void grant_coupon(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<CampaignId>(exchange);
  if (!id) return;
  auto body = body_of<GrantRequest>(exchange);
  if (!body) return;
  auto command = begin<GrantCoupon>(core, *caller);
  command.campaign = *id;
  command.member = body->member;
  command.reason = std::move(body->reason);
  send(core, exchange, command);
}

void write_campaign(JsonWriter& out, const coupons::Campaign& campaign) {
  out.open_object();
  write_field(out, "campaign", campaign.id);
  write_field(out, "standing", campaign.standing);
  write_field(out, "issued", campaign.issued);
  write_field(out, "terms", campaign.terms);
  write_field(out, "changed_at", campaign.at);
  out.close_object();
}

void get_campaign(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  const auto id = id_of<CampaignId>(exchange);
  if (!id) return;
  respond_from_tables(core, exchange,
                      [id = *id, language = exchange->request().language()](
                          store::Session& session) -> Result<http::Response> {
                        const auto campaign = coupons::find_campaign(session, id);
                        if (!campaign) return campaign.error();
                        if (!*campaign) return http::not_found(language).response();
                        std::string body;
                        JsonWriter out(body);
                        write_campaign(out, **campaign);
                        return shown(std::move(body));
                      });
}

void list_campaigns(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  const auto after = page_after(exchange, CampaignId::parse);
  if (!after) return;
  const auto limit = page_limit(exchange, kUsualPage, kMostPage);
  if (!limit) return;
  respond_from_tables(
      core, exchange,
      [after = *after, limit = *limit](store::Session& session) -> Result<http::Response> {
        const auto page = coupons::campaigns_page(session, after, static_cast<std::int64_t>(limit));
        if (!page) return page.error();
        std::string body;
        JsonWriter out(body);
        out.open_object();
        out.name("campaigns");
        out.open_array();
        for (const auto& campaign : *page)
          write_campaign(out, campaign);
        out.close_array();
        if (page->size() == limit) write_field(out, "next", page->back().id);
        out.close_object();
        return shown(std::move(body));
      });
}

}  // namespace

void write_coupon(JsonWriter& out, const coupons::Owned& owned) {
  const auto& [coupon, terms] = owned;
  out.open_object();
  write_field(out, "coupon", coupon.id);
  write_field(out, "campaign", coupon.campaign);
  write_field(out, "state", coupon.state);
  write_field(out, "order_id", coupon.order);
  write_field(out, "name", terms.name);
  write_field(out, "discount", terms.discount);
  write_field(out, "least_order", terms.least_order);
  write_field(out, "use_from", terms.use_from);
  write_field(out, "use_until", terms.use_until);
  write_field(out, "issued_at", coupon.issued_at);
  write_field(out, "place", coupon.place);
  out.close_object();
}

void add_coupon_routes(http::Router& router, const CorePtr& core) {
  const auto with = [&core](auto handler) {
    return [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); };
  };
  router.add(http::Method::post, "/v1/coupon-campaigns/{id}/coupons", "coupons.issue",
             with(ask_for_coupon));
  router.add(http::Method::get, "/v1/coupons", "coupons.list", with(list_coupons));
  router.add(http::Method::get, "/v1/coupons/{id}", "coupons.show", with(get_coupon));
}

void add_campaign_routes(http::Router& router, const CorePtr& core) {
  const auto with = [&core](auto handler) {
    return [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); };
  };
  router.add(http::Method::get, "/v1/admin/coupon-campaigns", "admin.campaigns.list",
             with(list_campaigns));
  router.add(http::Method::get, "/v1/admin/coupon-campaigns/{id}", "admin.campaigns.show",
             with(get_campaign));
  router.add(http::Method::put, "/v1/admin/coupon-campaigns/{id}", "admin.campaigns.put",
             with(put_campaign));
  router.add(http::Method::post, "/v1/admin/coupon-campaigns/{id}/pause", "admin.campaigns.pause",
             with(switch_campaign<PauseCampaign>));
  router.add(http::Method::post, "/v1/admin/coupon-campaigns/{id}/resumption",
             "admin.campaigns.resume", with(switch_campaign<ResumeCampaign>));
  router.add(http::Method::post, "/v1/admin/coupon-campaigns/{id}/end", "admin.campaigns.end",
             with(switch_campaign<EndCampaign>));
  router.add(http::Method::post, "/v1/admin/coupon-campaigns/{id}/grants", "admin.campaigns.grant",
             with(grant_coupon));
}

}  // namespace dropline::shop
