//! A model check of holds: a payer, a payee and an operator do everything that they can, in every order. After each step
//! the book, opened anew on what is stored, must have decided as the plain bank does, and the money must add up.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use service::values::WalletStatus;

use crate::cases::Met;
use crate::holds_events::{Event, Plan, Scope, Side};
use crate::holds_reference::State;
use crate::holds_world::World;

/// How many events deep the search for two holds goes. One more doubles the time.
const DEPTH_OF_TWO: usize = 7;

/// Codes of answers that each search must reach.
const CODES: [&str; 16] = [
    "hold done",
    "hold insufficient_funds",
    "hold wallet_frozen",
    "capture done",
    "capture amount_exceeds_hold",
    "capture hold_closed",
    "capture hold_closed: expired",
    "capture forbidden",
    "capture wallet_frozen",
    "void done",
    "void hold_closed: expired",
    "reverse done",
    "reverse amount_exceeds_original",
    "close wallet_not_empty",
    "sweep expired",
    "misnamed not_reversible",
];

#[test]
fn one_hold_keeps_the_money_in_every_interleaving_of_any_length() {
    let scope = Scope {
        start: 3,
        plans: &[Plan {
            to: Side::Payee,
            units: 3,
            seconds: 60,
        }],
        payments: 1,
        paybacks: 0,
        top_ups: 1,
    };
    let found = explore(scope, usize::MAX);
    assert!(found.is_complete, "{found:?}");
    found.expect_at_least(2_690, 45_000);
    found.met.expect_all(&CODES);
    found
        .met
        .expect_all(&["pay insufficient_funds", "reverse insufficient_funds", "close done"]);
}

#[test]
fn captured_money_that_is_spent_is_not_paid_back_in_any_interleaving() {
    let scope = Scope {
        start: 2,
        plans: &[Plan {
            to: Side::Payee,
            units: 2,
            seconds: 60,
        }],
        payments: 0,
        paybacks: 2,
        top_ups: 0,
    };
    let found = explore(scope, usize::MAX);
    assert!(found.is_complete, "{found:?}");
    found.expect_at_least(430, 6_700);
    found
        .met
        .expect_all(&["pay back done", "capture wallet_closed", "reverse insufficient_funds"]);
}

#[test]
fn two_holds_keep_the_money_in_every_interleaving_of_seven_events() {
    let scope = Scope {
        start: 3,
        plans: &[
            Plan {
                to: Side::Payee,
                units: 2,
                seconds: 60,
            },
            Plan {
                to: Side::System,
                units: 2,
                seconds: 3_600,
            },
        ],
        payments: 1,
        paybacks: 0,
        top_ups: 1,
    };
    let found = explore(scope, DEPTH_OF_TWO);
    assert_eq!(found.depth, DEPTH_OF_TWO);
    found.expect_at_least(6_700, 65_000);
    found.met.expect_all(&CODES);
    found.met.expect_all(&["capture transfer_not_found"]);
}

/// How far a search came.
#[derive(Debug)]
struct Explored {
    depth: usize,
    states: usize,
    transitions: usize,
    /// True if no event leads to a state that was not seen.
    is_complete: bool,
    met: Met,
}

/// A state with the world that it stands for, and the step that led to it first.
struct Node {
    state: State,
    world: World,
    came: Option<(usize, Event)>,
}

/// Goes through all states, those with the fewest events first.
fn explore(scope: Scope, depth_max: usize) -> Explored {
    let mut nodes = vec![Node {
        state: State::start(scope),
        world: World::start(scope),
        came: None,
    }];
    let mut seen = HashSet::from([nodes[0].state.key()]);
    let (mut level, mut depth, mut transitions) = (0..1, 0, 0);
    let met = Met::default();
    while !level.is_empty() && depth < depth_max {
        let begin = nodes.len();
        for index in level {
            for event in nodes[index].state.events(scope) {
                let node = step(&nodes, index, event, scope, &met)
                    .with_context(|| format!("in {:#?}\nafter {:#?}", nodes[index].state, path(&nodes, index, event)))
                    .unwrap_or_else(|problem| panic!("{problem:?}"));
                transitions += 1;
                if seen.insert(node.state.key()) {
                    nodes.push(node);
                }
            }
        }
        level = begin..nodes.len();
        depth += 1;
    }
    let found = Explored {
        depth,
        states: nodes.len(),
        transitions,
        is_complete: level.is_empty(),
        met,
    };
    println!(
        "depth {depth}, {} states, {transitions} transitions, complete: {}",
        found.states, found.is_complete
    );
    found
}

/// Lets an event happen in the plain bank, in a book of its own, and in one book with the event before it.
fn step(nodes: &[Node], index: usize, event: Event, scope: Scope, met: &Met) -> Result<Node> {
    let node = &nodes[index];
    let mut state = node.state.clone();
    let expected = state.apply(event, scope);
    let (world, replies) = node.world.play(&[event]);
    ensure!(replies == [expected], "{replies:?} is not {expected:?}");
    world.check(&node.world)?;
    world.agrees_with(&state)?;
    if let Some((parent, earlier)) = node.came
        && nodes[parent].world.can_ask(event)
    {
        let (together, replies) = nodes[parent].world.play(&[earlier, event]);
        ensure!(replies.last() == Some(&expected), "in one book: {replies:?}");
        together.equals(&world).context("one book and two books differ")?;
    }
    met.count(format!("{} {}", name_of(event), expected.0));
    Ok(Node {
        state,
        world,
        came: Some((index, event)),
    })
}

/// The events that led to a node, and the next one.
fn path(nodes: &[Node], mut index: usize, last: Event) -> Vec<Event> {
    let mut path = vec![last];
    while let Some((parent, event)) = nodes[index].came {
        path.push(event);
        index = parent;
    }
    path.reverse();
    path
}

fn name_of(event: Event) -> &'static str {
    match event {
        Event::Hold(_) => "hold",
        Event::Capture(_) => "capture",
        Event::Void(..) => "void",
        Event::Reverse(..) => "reverse",
        Event::Pay => "pay",
        Event::PayBack => "pay back",
        Event::TopUp => "top up",
        Event::Status(_, WalletStatus::Active) => "unfreeze",
        Event::Status(_, WalletStatus::Frozen) => "freeze",
        Event::Status(_, WalletStatus::Closed) => "close",
        Event::Sweep => "sweep",
        Event::Pass(_) => "pass",
        Event::CaptureNoHold(_) | Event::ReverseHold(_) => "misnamed",
    }
}

impl Explored {
    /// Fails if the search has become smaller than it was.
    #[track_caller]
    fn expect_at_least(&self, states: usize, transitions: usize) {
        assert!(self.states >= states && self.transitions >= transitions, "{self:?}");
    }
}
