"""A town that lives by the real rules, beside the slow model of `tally`: to the unit after every act, whatever happens.

    issued + received = available + held + spent + expired + reversed + sent      of each account
    issued            = available + held + spent + expired + reversed             of all accounts together

The model also says beforehand which acts are refused, and by which rule.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from conftest import soak
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from rewards import Town, coupons, name, tickets
from rules import refused
from tally import Paid, Piece, Tally

from contracts.calendar import day_end_ms, day_of, days_later, month_end_ms, month_of, months_later
from contracts.rewards.book import holder_of
from contracts.rewards.charge import CONFIRM_MS
from contracts.rewards.clearing import liability, outstanding
from contracts.rewards.coins import COINS_MAX
from contracts.rewards.keys import wallet_key

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DAY_MS = 86_400_000
PEOPLE = ("anna", "beni", "carla")
COINS = {"steps": (10, 2), "class": (35, 1)}
"""What an activity brings, and how often a day."""
ISSUERS = {"clinic": "county", "station": "town"}
PAYEES = st.sampled_from(("noodles", "tea"))
WHO = st.sampled_from(PEOPLE)


class TownMachine(RuleBasedStateMachine):
    """Three residents, two issuers, two merchants."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(day_max=60)
        self.town.world.submit("town", "ticket-offer", tickets(number=6, per_person=3))
        self.town.world.submit("county", "coupon-offer", coupons(number=5, per_person=3, last_day="2027-06-30"))
        self.accounts = {person: self.town.open(person) for person in PEOPLE}
        self.tally = Tally(self.town.world.time_ms)
        self.earned: dict[str, tuple[str, str, str, int, int]] = {}
        self.today: dict[tuple[str, str], list[str]] = {}
        self.begun: dict[str, int] = {}
        self.had = Counter[tuple[str, str]]()
        self.carded = Counter[tuple[str, str]]()
        self.unpaid = Counter[str]()

    @property
    def now(self) -> int:
        """The time, Unix milliseconds."""
        return self.town.world.time_ms

    def expect(self, rule_: str | None) -> AbstractContextManager[Any]:
        """Expect that the act at hand is refused by a rule, or let in."""
        return nullcontext() if rule_ is None else refused(rule_)

    def new(self) -> str:
        """Return a new name."""
        return name(f"of the machine {next(self.town.world.numbers)}")

    # What comes in, and goes back.

    @initialize()
    def begin(self) -> None:
        """Everybody has coins of both issuers, a ticket and a coupon to begin with."""
        for person in PEOPLE:
            self.earn(person, "class", "clinic")
            self.earn(person, "steps", "station")
            card = {"card": name(f"card of {person}"), "state": "open"}
            self.town.act("clinic", "card", account=self.accounts[person], **card)
            self.ticket(person, paid=person != "carla")
            self.coupon(person)

    @rule(person=WHO, activity=st.sampled_from(sorted(COINS)), station=st.sampled_from(sorted(ISSUERS)))
    def earn(self, person: str, activity: str, station: str) -> None:
        """A station gives, within the caps of the day in Taipei."""
        account, (coins, often) = self.accounts[person], COINS[activity]
        day = self.today.setdefault((account, day_of(self.now)), [])
        in_all = sum(COINS[one][0] for one in day) + coins
        over = day.count(activity) >= often or in_all > 60
        with self.expect("coins.cap" if over else None):
            earning = self.town.earn(account, activity, station=station)
        if over:
            return
        day.append(activity)
        ends = month_end_ms(months_later(month_of(self.now), 2))
        lot = self.tally.add(account, ISSUERS[station], coins, ends)
        self.earned[earning] = account, activity, station, lot, ends

    @precondition(lambda self: self.earned)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """An earning is taken back, spent or not, unless it has ended; once."""
        earning = data.draw(st.sampled_from(sorted(self.earned)))
        account, activity, station, lot, ends = self.earned[earning]
        over = ends <= self.now
        with self.expect("coins.ended" if over else None):
            self.town.act(station, "reversal", account=account, earning=earning, reason="記錯人")
        if over:
            return
        del self.earned[earning]
        self.tally.reverse(account, lot, COINS[activity][0])
        day = self.today.get((account, day_of(self.now)), [])
        given = day_of(self.town.world.time_ms)
        if activity in day and self.given_on(earning) == given:
            day.remove(activity)
        with refused("coins.reversed"):
            self.town.act(station, "reversal", account=account, earning=earning, reason="記錯人")

    def given_on(self, earning: str) -> str:
        """Return the day of an earning, as its fact has it."""
        from contracts.rewards.keys import earning_key  # noqa: PLC0415 - used here alone

        return str(self.town.world.get(earning_key(earning))["day"])

    @rule(person=WHO, to=WHO, coins=st.integers(1, 40))
    def send(self, person: str, to: str, coins: int) -> None:
        """Coins go to another resident, lot by lot."""
        account = self.accounts[person]
        few = coins > len(self.tally.of(account, "available"))
        why = "coins.transfer" if person == to else "coins.balance" if few else None
        with self.expect(why):
            whom = [{"account": self.accounts[to], "coins": coins}]
            self.town.act(holder_of(account), "transfer", account=account, transfer=self.new(), to=whom)
        if why is None:
            self.tally.send(account, self.accounts[to], coins)

    # At the till.

    @rule(person=WHO, merchant=PAYEES, coins=st.integers(1, 60), ceiling=st.integers(1, 60))
    def charge(self, person: str, merchant: str, coins: int, ceiling: int) -> None:
        """A charge is posted up to the ceiling of its code, and waits for the resident's word above it."""
        self._charge(person, merchant, coins, ceiling, None)

    @rule(person=WHO, merchant=PAYEES, coins=st.integers(1, 30), hold_s=st.integers(1, 300))
    def hold(self, person: str, merchant: str, coins: int, hold_s: int) -> None:
        """Coins are set aside."""
        self._charge(person, merchant, coins, coins, hold_s)

    @rule(person=WHO, coins=st.integers(1, 40))
    def voucher(self, person: str, coins: int) -> None:
        """What was signed offline is posted once it is handed in, or on record as unpaid under its account."""
        account, charge = self.accounts[person], self.new()
        few = coins > len(self.tally.of(account, "available"))
        members = self.town.code(account, coins, charge, offline=True, merchant="noodles", life_s=3_600)
        self.town.act("noodles", "charge", merchant="noodles", branch="main", coins=coins, **members)
        assert self.town.stage(charge) == ("unpaid" if few else "posted")
        paid = Paid(charge, account, "noodles", coins, "unpaid" if few else "posted")
        self.tally.take(paid, 0 if few else coins, "spent")
        self.unpaid[account] += few
        self.owe(paid)
        with refused("till.code-used"):
            self.town.act("noodles", "charge", merchant="noodles", branch="main", coins=coins, **members)

    @rule(person=WHO, merchant=PAYEES, coins=st.integers(1, 22))
    def card(self, person: str, merchant: str, coins: int) -> None:
        """A printed card pays so much a time and a day in Taipei."""
        account, charge, day = self.accounts[person], self.new(), day_of(self.now)
        over = coins > 20 or self.carded[account, day] + coins > 30
        few = coins > len(self.tally.of(account, "available"))
        why = "till.card-limit" if over else "coins.balance" if few else None
        body = {"merchant": merchant, "branch": "main", "account": account, "charge": charge, "coins": coins}
        with self.expect(why):
            self.town.act(merchant, "charge", **body, card=name(f"card of {person}"))
        if why is None:
            self.carded[account, day] += coins
            paid = Paid(charge, account, merchant, coins, "posted")
            self.tally.take(paid, coins, "spent")
            self.owe(paid)

    def _charge(self, person: str, merchant: str, coins: int, ceiling: int, hold_s: int | None) -> None:
        account = self.accounts[person]
        held = {coin.charge for coin in self.tally.of(account, "held")}
        waits = hold_s is not None or coins > ceiling
        few = coins > len(self.tally.of(account, "available"))
        why = "coins.holds-max" if waits and len(held) >= 16 else "coins.balance" if few else None
        body = {} if hold_s is None else {"hold_s": hold_s}
        charge = ""
        with self.expect(why):
            charge = self.town.charge(account, coins, ceiling=ceiling, merchant=merchant, body=body)
        if why is not None:
            return
        stage = "posted" if not waits else "held" if hold_s is not None else "pending"
        until = self.now + (CONFIRM_MS if hold_s is None else hold_s * 1000) if waits else 0
        paid = Paid(charge, account, merchant, coins, stage, until)
        self.tally.take(paid, coins, "held" if waits else "spent")
        if not waits:
            self.owe(paid)

    def owe(self, paid: Paid, back: list[Any] | None = None) -> None:
        """Note what issuers owe for a charge's coins, or for those that go back."""
        coins = self.tally.of(paid.account, "spent", paid.name) if back is None else back
        owed = Counter(coin.issuer for coin in coins)
        self.tally.move(month_of(self.now), paid.merchant, "coins", owed.items(), back=back is not None)

    def stage(self, paid: Paid) -> str:
        """Return how a charge stands now."""
        return "lapsed" if paid.stage in {"held", "pending"} and paid.until_ms <= self.now else paid.stage

    @precondition(lambda self: self.tally.charges)
    @rule(data=st.data(), coins=st.integers(1, 60))
    def go_on(self, data: st.DataObject, coins: int) -> None:
        """A hold is posted in part or whole, confirmed to the coin, or let go; nothing of it is done twice."""
        paid = self.tally.charges[data.draw(st.sampled_from(sorted(self.tally.charges)))]
        act = data.draw(st.sampled_from(("post", "confirm", "void")))
        stage = self.stage(paid)
        if act == "void":
            why = None if stage in {"held", "pending"} else "till.stage"
            with self.expect(why):
                self.town.on(paid.merchant, "void", paid.account, paid.name)
            if why is None:
                self.tally.void(paid)
            return
        coins = max(1, paid.coins) if act == "confirm" else coins
        why = None if stage == ("pending" if act == "confirm" else "held") else "till.stage"
        if why is None and coins > paid.coins:
            why = "coins.hold-coins"
        by = holder_of(paid.account) if act == "confirm" else paid.merchant
        with self.expect(why):
            self.town.on(by, act, paid.account, paid.name, coins=coins)
        if why is None:
            paid.coins = coins
            self.tally.post(paid, coins)
            self.owe(paid)

    @precondition(lambda self: self.tally.charges)
    @rule(data=st.data(), coins=st.integers(0, 60), money=st.integers(0, 3), items=st.booleans(), coupon=st.booleans())
    def refund(self, data: st.DataObject, coins: int, money: int, items: bool, coupon: bool) -> None:  # noqa: FBT001
        """What was paid goes back the way it came, never more of anything, and the coupon last."""
        paid = self.tally.charges[data.draw(st.sampled_from(sorted(self.tally.charges)))]
        spent = len(self.tally.of(paid.account, "spent", paid.name))
        used = [one for one in self.tally.pieces if one.charge == paid.name and one.place == "used"]
        lunches = [one for one in used if one.item == "lunch"] if items else []
        shown = [one for one in used if one.item == ""] if coupon else []
        back: dict[str, Any] = {"money": money * 100} if money else {}
        if lunches:
            serial = lunches[0].serial
            back["tickets"] = [{"ticket": serial, "item": "lunch", "count": len(lunches)}]
        if shown:
            back["coupons"] = [shown[0].serial]
        mixed = paid.stage == "posted" and paid.month != ""
        rest = spent - coins + paid.money - money * 100 + len([one for one in used if one.item]) - len(lunches)
        why = None
        if self.stage(paid) != "posted":
            why = "till.stage"
        elif coins > spent or money * 100 > paid.money or not (coins or back) or (back and not mixed):
            why = "till.refund"
        elif shown and rest:
            why = "till.coupon-last"
        with self.expect(why):
            self.town.on(paid.merchant, "refund", paid.account, paid.name, refund=self.new(), coins=coins, **back)
        if why is not None:
            return
        paid.money -= money * 100
        self.owe(paid, self.tally.refund(paid, coins))
        for means, some in (("tickets", lunches), ("coupons", shown)):
            owed = [(one.issuer, one.worth) for one in some]
            self.tally.move(month_of(self.now), paid.merchant, means, owed, back=True)
            for one in some:
                one.place, one.charge = "left", ""
                if not any(other.place == "used" for other in self.tally.pieces if other.serial == one.serial):
                    self.begun.pop(one.serial, None)

    # Tickets and coupons.

    @rule(person=WHO, paid=st.booleans())
    def ticket(self, person: str, paid: bool) -> None:  # noqa: FBT001
        """A ticket is sold or given, so many a person and in all."""
        account = self.accounts[person]
        late = paid and days_later(day_of(self.now), 365) > tickets()["guarantee"]["until"]
        why = "tickets.guarantee" if late else self._limits(account, "day-out", 3, 6)
        serial = ""
        with self.expect(why):
            serial = self.town.ticket(account, amount=90_000 if paid else 0)
        if why is None:
            self.had[account, "day-out"] += 1
            ends = None if paid else month_end_ms(months_later(month_of(self.now), 3))
            for item, of in tickets()["items"].items():
                self.tally.pieces += [
                    Piece(serial, item, "day-out", account, "town", of["price"], of["face"], ends, paid)
                    for _ in range(of["count"])
                ]

    @rule(person=WHO)
    def coupon(self, person: str) -> None:
        """A coupon is taken, so many a person and in all."""
        account = self.accounts[person]
        ends = day_end_ms("2027-06-30")
        why = "coupons.over" if self.now >= ends else self._limits(account, "fifty", 3, 5)
        serial = ""
        with self.expect(why):
            serial = self.town.coupon(account)
        if why is None:
            self.had[account, "fifty"] += 1
            self.tally.pieces.append(Piece(serial, "", "fifty", account, "county", 4_000, 5_000, ends, paid=False))

    def _limits(self, account: str, offer: str, person: int, number: int) -> str | None:
        if sum(had for (_, one), had in self.had.items() if one == offer) >= number:
            return "offers.sold-out"
        return "offers.per-person" if self.had[account, offer] >= person else None

    def over(self, piece: Piece) -> bool:
        """Say whether a ticket can be used no more: it ended, or the window that its first use began is over."""
        begun = self.begun.get(piece.serial)
        windowed = begun is not None and self.now >= day_end_ms(day_of(begun), 2)
        return windowed or (piece.ends_ms is not None and self.now >= piece.ends_ms)

    @rule(person=WHO, coins=st.integers(0, 20), money=st.integers(0, 300), lunches=st.integers(0, 2), cut=st.booleans())
    def pay_mixed(self, person: str, coins: int, money: int, lunches: int, cut: bool) -> None:  # noqa: FBT001
        """Coins, a ticket's lunches, a coupon and money pay at the noodle shop in one act, all or none."""
        account = self.accounts[person]
        left = [one for one in self.tally.held_pieces(account, "day-out") if one.item == "lunch"]
        some = [one for one in left if one.serial == left[0].serial][:lunches] if left else []
        shown = self.tally.held_pieces(account, "fifty")[:1] if cut else []
        bought = coins * 100 + money * 100 + 5_000 * len(shown)
        total = bought + sum(one.face for one in some)
        if not (coins or some or shown):
            return
        why = None
        if shown and self.now >= (shown[0].ends_ms or 0):
            why = "coupons.over"
        elif shown and bought < 20_000:
            why = "coupons.least"
        elif coins > len(self.tally.of(account, "available")):
            why = "coins.balance"
        elif some and self.over(some[0]):
            why = "tickets.over"
        items = [(some[0].serial, "lunch", len(some))] if some else []
        charge = ""
        with self.expect(why):
            charge = self.town.pay(
                account, total, coins=coins, money=money * 100, items=items, coupons=[one.serial for one in shown]
            )
        if why is not None:
            return
        paid = Paid(charge, account, "noodles", coins, "posted", money=money * 100, month=month_of(self.now))
        self.tally.take(paid, coins, "spent")
        self.owe(paid)
        for means, pieces in (("tickets", some), ("coupons", shown)):
            owed = [(one.issuer, one.worth) for one in pieces]
            self.tally.move(month_of(self.now), "noodles", means, owed, back=False)
            for one in pieces:
                one.place, one.charge = "used", charge
                self.begun.setdefault(one.serial, self.now)

    @rule(person=WHO)
    def return_ticket(self, person: str) -> None:
        """What is left of a ticket is paid back less 3 %, in its window or long after; a given one is not."""
        account = self.accounts[person]
        left = self.tally.held_pieces(account, "day-out")
        if not left:
            return
        some = [one for one in left if one.serial == left[0].serial]
        amount = sum(one.worth for one in some)
        why = None if some[0].paid else "tickets.given"
        counts = dict(Counter(one.item for one in some))
        with self.expect(why):
            self.town.record(
                "town", "ticket-refund", account=account, ticket=some[0].serial, refund=self.new(), items=counts,
                amount=amount - amount * 3 // 100,
            )  # fmt: skip
        if why is None:
            for one in some:
                one.place = "returned"

    @rule(person=WHO, to=WHO)
    def hand_over(self, person: str, to: str) -> None:
        """A ticket goes to another resident whole, with what was used of it, were it all."""
        account, whom = self.accounts[person], self.accounts[to]
        mine = [one.serial for one in self.tally.pieces if (one.account, one.offer) == (account, "day-out")]
        if not mine:
            return
        serial = mine[0]
        with self.expect("tickets.transfer" if person == to else None):
            self.town.record(holder_of(account), "ticket-transfer", account=account, ticket=serial, to=whom)
        for one in self.tally.pieces:
            if one.serial == serial:
                one.account = whom

    # Time.

    @rule(span_ms=st.sampled_from((1, 1_000, 299_999, 300_000, DAY_MS, 20 * DAY_MS)))
    def wait(self, span_ms: int) -> None:
        """Time passes."""
        self._wait_until(self.now + span_ms)

    @rule(data=st.data(), before_ms=st.integers(0, 1))
    def wait_for_an_end(self, data: st.DataObject, before_ms: int) -> None:
        """Time passes to the very millisecond at which something ends, or to the one before."""
        ends = {day_end_ms(day_of(self.now)), day_end_ms(day_of(self.now), 2), month_end_ms(month_of(self.now))}
        ends |= {coin.ends_ms for coin in self.tally.coins if coin.place == "available"}
        ends |= {coin.until_ms for coin in self.tally.coins if coin.place == "held"}
        ends |= {day_end_ms(day_of(begun), 2) for begun in self.begun.values()}
        ends |= {one.ends_ms for one in self.tally.pieces if one.ends_ms is not None and one.place == "left"}
        later = sorted(end for end in ends if end - before_ms > self.now)
        self._wait_until(data.draw(st.sampled_from(later)) - before_ms)

    def _wait_until(self, time_ms: int) -> None:
        self.town.world.time_ms = time_ms
        self.tally.wait_until(time_ms)

    # What holds after every act.

    @invariant()
    def coins_conserve(self) -> None:
        """Every sum and every lot of every account is the model's; none is below zero."""
        for account in self.accounts.values():
            purse = self.town.purse(account)
            assert purse.balance() == self.tally.balance(account)
            free = Counter((coin.lot, coin.issuer, coin.ends_ms) for coin in self.tally.of(account, "available"))
            assert {(lot.number, lot.issuer, lot.ends_ms): lot.coins for lot in purse.lots} == dict(free)
            assert min(purse.balance().values()) >= 0
            assert max(purse.balance().values()) <= COINS_MAX
            assert self.town.state(account)["unpaid"] == self.unpaid[account]

    @invariant()
    def issuers_conserve(self) -> None:
        """Over all accounts; what may still be spent is each issuer's liability."""
        balances = [self.town.purse(account).balance() for account in self.accounts.values()]
        sums = {name_: sum(one[name_] for one in balances) for name_ in balances[0]}
        assert sums["sent"] == sums["received"]
        assert sums["issued"] == sum(sums[name_] for name_ in ("available", "held", "spent", "expired", "reversed"))
        for issuer in ISSUERS.values():
            mine = [coin for coin in self.tally.coins if coin.issuer == issuer]
            funds = self.town.funds(issuer) or {"open": {}, "reversed": 0}
            out = [one for one in mine if one.place in {"available", "held"} and one.ends_ms > self.now]
            # What a debt took by time alone, from a hold that ended, is written with the account's next act.
            unwritten = len([one for one in mine if one.place == "reversed"]) - funds["reversed"]
            assert len(out) <= liability(funds, self.now) <= len(out) + unwritten

    @invariant()
    def tickets_and_coupons_conserve(self) -> None:
        """Item by item and coupon by coupon; each offer's stock is issued = open + used + returned."""
        for serial in {one.serial for one in self.tally.pieces}:
            mine = [one for one in self.tally.pieces if one.serial == serial]
            state = self.town.held("ticket" if mine[0].item else "coupon", serial)
            assert state["account"] == mine[0].account
            if mine[0].item:
                for item in {one.item for one in mine}:
                    places = Counter(one.place for one in mine if one.item == item)
                    assert state["items"][item] == [places["left"], places["used"], places["returned"]]
            else:
                assert (state["used"] is None) == (mine[0].place == "left")
        for offer in ("day-out", "fifty"):
            pieces = [one for one in self.tally.pieces if one.offer == offer]
            unit = {one.place: 0 for one in pieces}
            for one in pieces:
                unit[one.place] += one.worth if one.item else 1
            stock = self.town.stock(offer) or {"number": 0, "issued": 0, "used": 0, "returned": 0, "open": {}}
            assert (
                stock["issued"] == sum(unit.values()) == stock["used"] + stock["returned"] + sum(stock["open"].values())
            )
            assert (stock["used"], stock["returned"]) == (unit.get("used", 0), unit.get("returned", 0))
            if offer == "day-out" and pieces:
                owed = self.town.funds("town")["tickets"]
                assert owed == {side: stock[side] for side in ("issued", "used", "returned", "open")}
            good = [one for one in pieces if one.place == "left" and (one.ends_ms is None or one.ends_ms > self.now)]
            assert outstanding(stock, self.now) == sum(one.worth if one.item else 1 for one in good)

    @invariant()
    def wallets_list_what_is_left(self) -> None:
        """A wallet lists each ticket and coupon of which something is left, once."""
        for account in self.accounts.values():
            wallet = self.town.world.get(wallet_key(account)) or {"tickets": [], "coupons": []}
            for kind, offer in (("tickets", "day-out"), ("coupons", "fifty")):
                serials = {one.serial for one in self.tally.held_pieces(account, offer)}
                assert sorted(wallet[kind]) == sorted(serials)

    @invariant()
    def both_sides_clear_alike(self) -> None:
        """What merchants' lines come to is what issuers' sums come to, and what the model counted."""
        for month in {month for month, *_ in self.tally.moved}:
            from_merchants = sorted(row for merchant in ("noodles", "tea") for row in self.town.rows(merchant, month))
            from_issuers = sorted(row for issuer in ISSUERS.values() for row in self.town.owed(issuer, month))
            assert from_merchants == from_issuers
            counted = {key[1:]: moved for key, moved in self.tally.moved.items() if key[0] == month}
            assert {(r.issuer, r.merchant, r.means): [r.charged, r.refunded] for r in from_issuers} == counted


TestTown = TownMachine.TestCase
TestTown.settings = settings(
    max_examples=soak("lives of a town", 25, 1_000), stateful_step_count=soak("acts in each", 40, 60), deadline=None
)
