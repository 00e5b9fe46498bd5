//! Lanes of a warp that exchange registers. (PTX ISA, "shfl.sync".)

use super::fault::{Kind, Trouble};
use super::thread::{State, Thread};
use crate::ptx::{Exchange, Function, Op, Shuffle};

/// Threads of a warp.
pub(super) const LANES: usize = 32;

/// Does the exchange that lanes wait for, if all of its lanes are there: whether it was done. The
/// error is told with the place in the code.
pub(super) fn exchange(warp: &mut [Thread], function: &Function) -> Result<bool, (usize, Trouble)> {
    let waiting = warp.iter().filter(|lane| lane.state == State::AtShuffle);
    let Some(at) = waiting.map(|lane| lane.at).min() else { return Ok(false) };
    let Op::Shuffle(exchange) = &function.code[at].op else { return Ok(false) };
    let is_here = |lane: &Thread| lane.state == State::AtShuffle && lane.at == at;
    let mut masks = warp.iter().filter(|lane| is_here(lane)).map(|lane| lane.value(exchange.mask));
    let mask = masks.next().unwrap_or(0);
    let takes_part = |lane: &Thread| mask >> (lane.number % LANES) & 1 != 0;
    if masks.any(|other| other != mask)
        || warp.iter().any(|lane| is_here(lane) && !takes_part(lane))
    {
        return Err((at, Kind::InactiveLane.with(format!("the mask is {mask:#x}"))));
    }
    let is_missing =
        |lane: &Thread| takes_part(lane) && !is_here(lane) && lane.state != State::Exited;
    if warp.iter().any(is_missing) {
        return Ok(false);
    }
    let mut results = Vec::new();
    for (number, lane) in warp.iter().enumerate().filter(|(_, lane)| is_here(lane)) {
        let (source, is_valid) = source(exchange, lane, number as u64);
        let other = warp.get(source as usize).filter(|other| is_here(other));
        let other = other.ok_or_else(|| (at, Kind::InactiveLane.with(format!("lane {source}"))))?;
        results.push((number, other.value(exchange.a) & 0xffff_ffff, is_valid));
    }
    for (number, value, is_valid) in results {
        let lane = &mut warp[number];
        lane.registers[exchange.to] = value;
        if let Some(register) = exchange.is_valid {
            lane.registers[register] = is_valid.into();
        }
        (lane.at, lane.state) = (at + 1, State::Running);
    }
    Ok(true)
}

/// The lane that is read, and whether it is the one that was asked for: else it is the lane itself.
fn source(exchange: &Exchange, lane: &Thread, number: u64) -> (u64, bool) {
    let (b, c) = (lane.value(exchange.b) & 31, lane.value(exchange.c));
    let (clamp, segment) = (c & 31, c >> 8 & 31);
    let (first, last) = (number & segment, number & segment | clamp & !segment);
    let (source, is_valid) = match exchange.shuffle {
        // Upwards `c` bounds from below.
        Shuffle::Up => (number.wrapping_sub(b), number as i64 - b as i64 >= last as i64),
        Shuffle::Down => (number + b, number + b <= last),
        Shuffle::Butterfly => (number ^ b, number ^ b <= last),
        Shuffle::Index => {
            let source = first | b & !segment;
            (source, source <= last)
        }
    };
    if is_valid { (source, true) } else { (number, false) }
}
