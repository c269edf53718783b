// Campaigns: what operators promise, and what of it may still change.
#include "dropline/coupons/coupons.hpp"

namespace dropline::coupons {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class Command>
CampaignChangeRefused refused(const Command& command, const Placed& placed,
                              CampaignRefusal reason) {
  CampaignChangeRefused event;
  event.change = command.change;
  event.campaign = command.campaign;
  event.command = Command::kType;
  event.reason = reason;
  event.actor = command.actor;
  event.place = placed.place;
  return event;
}

template <class Command>
CampaignChanged changed(Book& book, Campaign& campaign, const Command& command,
                        const Placed& placed) {
  campaign.shard = placed.place.partition;
  campaign.place = placed.place;
  campaign.at = placed.at;
  book.campaigns_changed.insert(campaign.id);
  CampaignChanged event;
  event.change = command.change;
  event.campaign = campaign.id;
  event.command = Command::kType;
  event.standing = campaign.standing;
  event.terms = campaign.terms;
  event.issued = campaign.issued;
  if constexpr (requires { command.reason; }) event.reason = command.reason;
  event.actor = command.actor;
  event.place = placed.place;
  return event;
}

/// Is this the first time that the change is met? From now on it is known.
template <class Command>
bool is_new(Book& book, const Command& command) {
  if (book.changes.contains(command.change)) return false;
  book.changes.insert(command.change);
  book.changes_new.insert(command.change);
  return true;
}

Campaign* find(Book& book, const CampaignId& id) {
  const auto found = book.campaigns.find(id);
  return found == book.campaigns.end() ? nullptr : &found->second;
}

/// Members hold what `now` promises: `next` may only give more of it.
bool keeps_promises(const CampaignTerms& now, const CampaignTerms& next) {
  auto same = now;
  same.name = next.name;
  same.quantity = next.quantity;
  same.issue_until = next.issue_until;
  same.use_until = next.use_until;
  return same == next && next.issue_until >= now.issue_until && next.use_until >= now.use_until;
}

template <class Command>
ChangeAnswer switch_to(Book& book, const Command& command, const Placed& placed,
                       CampaignStanding standing) {
  if (!is_new(book, command)) return std::monostate();
  auto* campaign = find(book, command.campaign);
  if (!campaign) return refused(command, placed, CampaignRefusal::unknown_campaign);
  if (campaign->standing == CampaignStanding::ended)
    return refused(command, placed, CampaignRefusal::already_ended);
  if (campaign->standing == standing)
    return refused(command, placed,
                   standing == CampaignStanding::paused ? CampaignRefusal::already_paused
                                                        : CampaignRefusal::not_paused);
  campaign->standing = standing;
  return changed(book, *campaign, command, placed);
}

}  // namespace

ChangeAnswer change(Book& book, const PutCampaign& command, const Placed& placed) {
  if (!is_new(book, command)) return std::monostate();
  auto* campaign = find(book, command.campaign);
  if (!campaign) {
    campaign = &book.campaigns[command.campaign];
    campaign->id = command.campaign;
  }
  if (campaign->standing == CampaignStanding::ended)
    return refused(command, placed, CampaignRefusal::already_ended);
  if (command.terms.quantity < campaign->issued)
    return refused(command, placed, CampaignRefusal::below_issued);
  if (campaign->issued > 0 && !keeps_promises(campaign->terms, command.terms))
    return refused(command, placed, CampaignRefusal::terms_fixed);
  campaign->terms = command.terms;
  return changed(book, *campaign, command, placed);
}

ChangeAnswer change(Book& book, const PauseCampaign& command, const Placed& placed) {
  return switch_to(book, command, placed, CampaignStanding::paused);
}

ChangeAnswer change(Book& book, const ResumeCampaign& command, const Placed& placed) {
  return switch_to(book, command, placed, CampaignStanding::active);
}

ChangeAnswer change(Book& book, const EndCampaign& command, const Placed& placed) {
  return switch_to(book, command, placed, CampaignStanding::ended);
}

}  // namespace dropline::coupons
