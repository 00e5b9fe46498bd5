use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::*;

/// Numbers without a pattern, the same in each run: of `bits` bits, with sign.
fn noise(bits: u32) -> impl FnMut() -> i16 {
    let mut state = 1_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::try_from(state.cast_signed() >> (32 - bits)).unwrap()
    }
}

/// The samples of one of two blocks.
fn block_of(samples: &SamplePair, index: usize) -> [[u8; BLOCK_SIDE]; BLOCK_SIDE] {
    std::array::from_fn(|y| samples[y / 2][index][y % 2])
}

/// By the definition (ITU-T T.81, A.3.3), not yet rounded.
fn by_definition(blocks: &BlockPair, index: usize) -> [[f64; BLOCK_SIDE]; BLOCK_SIDE] {
    let wave = |at: usize, frequency: usize| {
        let scale = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
        let [at, frequency] =
            [at, frequency].map(|number| f64::from(u8::try_from(number).unwrap()));
        scale * ((2.0 * at + 1.0) * frequency * PI / 16.0).cos() / 2.0
    };
    let places = || (0..BLOCK_SIDE).flat_map(|v| (0..BLOCK_SIDE).map(move |u| (v, u)));
    let sample = |y, x| {
        let term =
            |(v, u): (usize, usize)| f64::from(blocks[v][index][u]) * wave(y, v) * wave(x, u);
        (places().map(term).sum::<f64>() + 128.0).clamp(0.0, 255.0)
    };
    std::array::from_fn(|y| std::array::from_fn(|x| sample(y, x)))
}

#[test]
fn it_is_the_transform_of_the_standard() {
    let mut next = noise(8);
    for count in [1, 2, 5, 20, 64] {
        let mut blocks = BlockPair::default();
        for index in 0..count {
            let (y, x) = (index * 5 % 64 / 8, index * 5 % 8);
            blocks[y][0][x] = next();
            blocks[y][1][x] = next();
        }
        let samples = inverse_dct(&blocks);
        for index in 0..2 {
            let expected = by_definition(&blocks, index);
            let got = block_of(&samples, index);
            for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
                assert!((f64::from(*got) - expected).abs() < 1.0, "{got} is not {expected}");
            }
        }
    }
}

/// With numbers that no encoder writes, too.
#[test]
fn vectors_have_the_bits_of_the_twin() {
    for bits in [4, 9, 12, 16] {
        let mut next = noise(bits);
        for _ in 0..200 {
            let blocks: BlockPair =
                std::array::from_fn(|_| [[(); 8]; 2].map(|row| row.map(|()| next())));
            assert_eq!(inverse_dct(&blocks), plain(&blocks), "{blocks:?}");
        }
    }
    for extreme in [i16::MIN, i16::MAX] {
        let blocks = [[[extreme; 8]; 2]; 8];
        assert_eq!(inverse_dct(&blocks), plain(&blocks));
    }
}

#[test]
fn a_flat_block_has_one_level() {
    for first in i16::MIN..=i16::MAX {
        let mut blocks = BlockPair::default();
        blocks[0][1][0] = first;
        let samples = inverse_dct(&blocks);
        assert_eq!(block_of(&samples, 0), [[128; 8]; 8]);
        assert_eq!(block_of(&samples, 1), [[flat_level(first); 8]; 8], "{first}");
    }
}
