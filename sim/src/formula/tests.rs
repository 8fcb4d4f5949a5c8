//! Published numbers, precedence against a naive reference, and the promise of the intervals: whatever the inputs, the
//! value lies inside.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::assets::{Between, CurveLine, Rounding};

/// Attributes `a` (-50 to 50), `b` (1 to 1,000), `speed` (0 to 10,000) and a curve `c`.
struct Few;

impl Names for Few {
    fn attribute(&self, name: &str) -> Option<(u16, Range<i64>)> {
        let known = BTreeMap::from([
            ("a", (0, -50..50)),
            ("b", (1, 1..1_000)),
            ("speed", (2, 0..10_000)),
            ("big", (3, 0..100_000_000)),
        ]);
        known.get(name).cloned()
    }

    fn curve(&self, name: &str) -> Option<Arc<CurveLine>> {
        (name == "c").then(|| Arc::new(CurveLine::new(&[(-10, 5), (0, -3), (40, 700)], Between::Linear)))
    }

    fn nearest(&self, _: &str) -> Option<String> {
        None
    }
}

const RANGES: Ranges = Ranges { coef: (0, 10_000), deed: true };

fn value(text: &str, source: &[i32]) -> String {
    let (program, interval) = compile(text, &Few, RANGES).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let value = program.eval_micro(&Scope::of(source));
    assert!(interval.contains(value), "{text}: {value} outside {interval}");
    written(value)
}

fn fault(text: &str) -> (FormulaFault, Range<usize>) {
    let error = compile(text, &Few, RANGES).expect_err(text);
    (error.kind, error.span)
}

#[test]
fn operators_bind_as_in_arithmetic() {
    for (text, expected) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 4 - 3", "3"),
        ("24 / 4 / 3", "2"),
        ("-2 * -3", "6"),
        ("2 - -3", "5"),
        ("1 + 2 < 4", "1"),
        ("7 % 4 * 2", "6"),
        ("0 - 7 % 4", "-3"),
        ("(0 - 7) % 4", "1"),
        ("1 / 3", "0.333333"),
        ("2 / 3", "0.666667"),
        ("0 - 2 / 3", "-0.666667"),
        ("0.1 + 0.2", "0.3"),
        ("1_000 * .5", "500"),
    ] {
        assert_eq!(value(text, &[]), expected, "{text}");
    }
}

#[test]
fn functions_do_what_they_say() {
    for (text, expected) in [
        ("min(3, 1, 2) + max(3, 1, 2)", "4"),
        ("clamp(5, 0, 3) + clamp(-5, 0, 3)", "3"),
        ("if(2 >= 2, 10, 20) + if(2 != 2, 1, 2)", "12"),
        ("floor(-1.5)", "-2"),
        ("ceil(-1.5)", "-1"),
        ("round(-1.5) + round(2.5)", "1"),
        ("abs(-3)", "3"),
        ("pow(1.5, 2) + pow(7, 0)", "3.25"),
        ("sqrt(2)", "1.414213"),
        ("curve('c', 20) + curve(\"c\", 0 - 99)", "353.5"),
    ] {
        assert_eq!(value(text, &[]), expected, "{text}");
    }
}

#[test]
fn faults_name_their_place() {
    use FormulaFault::{Range, Syntax, UnknownName};
    for (text, expected) in [
        ("1 +", (Syntax, 2..3)),
        ("(1", (Syntax, 0..1)),
        ("1)", (Syntax, 1..2)),
        ("1 < 2 < 3", (Syntax, 7..7 + 1)),
        ("min(1)", (Syntax, 0..6)),
        ("pow(2, b)", (Syntax, 7..8)),
        ("'c'", (Syntax, 0..3)),
        ("1.2345678", (Syntax, 0..9)),
        ("nope(1)", (UnknownName, 0..4)),
        ("1 + nope", (UnknownName, 4..8)),
        ("1 / (b - 1)", (Range, 4..11)),
        ("sqrt(a)", (Range, 5..6)),
        ("pow(speed, 4)", (Range, 0..13)),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
    assert_eq!(fault(&"(".repeat(500)).0, Syntax);
    assert_eq!(fault(&"-".repeat(500)).0, Syntax);
    assert_eq!(fault(&"1+".repeat(2_000)).0, Syntax);
}

#[test]
fn the_recast_of_ffxiv_comes_out_as_published() {
    let text = "floor((1000 - floor(130 * (speed - 364) / 2170)) * 2500 / 1000)";
    for (speed, recast_ms) in [(364, "2500"), (1_000, "2405"), (2_000, "2255")] {
        assert_eq!(value(text, &[0, 0, speed]), recast_ms);
    }
}

#[test]
fn what_the_game_asks_for_goes_the_short_way_and_what_does_not_fit_the_wide_one() {
    let short = |text: &str, source: &[i32], coef: i32| {
        let (program, _) = compile(text, &Few, RANGES).expect(text);
        let scope = Scope { coef, ..Scope::of(source) };
        let (short, wide) = (program.eval_short_micro(&scope), program.eval_wide_micro(&scope));
        assert!(short.is_none_or(|short| i128::from(short) == wide), "{text}: {short:?} and {wide}");
        short
    };
    let numbers = [50, 1_000, 10_000, 100_000_000];
    for text in [
        "(speed + b) * coef / 1000",
        "b * speed * (coef / 1000) / max(1, target.a)",
        "if(target.hp * 3 < target.mana, 2, 1) * curve('c', target.level)",
        "floor((1000 - floor(130 * (speed - 364) / 2170)) * 2500 / 1000)",
        "pow(b, 2) / 7 + sqrt(speed) + clamp(a * 1.5, 0, 9) - abs(0 - a) % 4",
        "2 * 3 + 4 * 5 < 30 - 3",
    ] {
        assert!(short(text, &numbers, 1_150).is_some(), "{text}");
    }
    assert!(short("big * (b * 0.5 + 99_999)", &numbers, 0).is_none(), "ten to the 13th and more, in millionths");
    let one = |length: usize| (0..length).fold("a".to_owned(), |inner, _| format!("(1 - {inner})"));
    assert!(short(&one(14), &numbers, 0).is_some() && short(&one(18), &numbers, 0).is_none(), "too deep");
}

#[test]
fn without_a_target_the_source_stands_for_it() {
    let (program, _) = compile("a * target.a + target.level", &Few, RANGES).expect("it is right");
    let (own, other) = ([3], [5]);
    assert_eq!(program.eval(&Scope::of(&own), Rounding::HalfUp), 10);
    let aimed = Scope { target: Some(&other), target_level: 7, ..Scope::of(&own) };
    assert_eq!(program.eval(&aimed, Rounding::HalfUp), 22);
}

#[test]
fn inputs_beyond_what_was_checked_become_the_nearest() {
    let (program, interval) = compile("coef * stacks + level", &Few, RANGES).expect("it is right");
    let wild = Scope { coef: i32::MAX, stacks: u32::MAX, level: u16::MAX, ..Scope::of(&[]) };
    assert_eq!(program.eval_micro(&wild), interval.hi);
    let none = Scope { coef: i32::MIN, stacks: 0, level: 0, ..Scope::of(&[]) };
    assert_eq!(program.eval_micro(&none), interval.lo);
}

/// A random formula, as text and as exact fraction where it is one of whole numbers.
fn any_formula() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0_i64..200).prop_map(|number| number.to_string()),
        (0_i64..50, 1_i64..1_000_000).prop_map(|(whole, micro)| format!("{whole}.{micro:06}")),
        prop::sample::select(
            &["a", "b", "big", "target.a", "target.b", "level", "stacks", "coef", "amount", "absorbed", "crit"][..],
        )
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (pair.clone(), prop::sample::select(&["+", "-", "*", "/", "%", "<", ">=", "=="][..]))
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            (pair.clone(), prop::sample::select(&["min", "max"][..]))
                .prop_map(|((a, b), name)| format!("{name}({a}, {b})")),
            (inner.clone(), prop::sample::select(&["floor", "ceil", "round", "abs", "sqrt", "-"][..]))
                .prop_map(|(a, name)| format!("{name}({a})")),
            (inner.clone(), 0_u8..4).prop_map(|(a, exponent)| format!("pow({a}, {exponent})")),
            inner.clone().prop_map(|a| format!("curve('c', {a})")),
            (pair, inner).prop_map(|((a, b), c)| format!("if({a}, {b}, {c})")),
        ]
    })
}

/// `a + b * c ..` evaluated by the naive reading: products first, then sums from the left.
fn naive(numbers: &[i64], operators: &[char]) -> i64 {
    let (mut sum, mut sign, mut product) = (0, 1, numbers[0]);
    for (operator, number) in operators.iter().zip(&numbers[1..]) {
        if *operator == '*' {
            product *= number;
        } else {
            sum += sign * product;
            (sign, product) = (if *operator == '-' { -1 } else { 1 }, *number);
        }
    }
    sum + sign * product
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_interval_always_holds_the_value(
        text in any_formula(),
        source in (-50_i32..=50, 1_i32..=1_000),
        target in (-50_i32..=50, 1_i32..=1_000),
        (coef, stacks, level) in (0_i32..=10_000, 1_u32..=1_000, 1_u16..=100),
    ) {
        if let Ok((program, interval)) = compile(&text, &Few, RANGES) {
            let (source, target) = ([source.0, source.1], [target.0, target.1]);
            let scope = Scope { target: Some(&target), coef, stacks, level, ..Scope::of(&source) };
            let value = program.eval_micro(&scope);
            prop_assert!(interval.contains(value), "{}: {} outside {}", text, written(value), interval);
        }
    }

    #[test]
    fn the_short_way_and_the_wide_one_agree_to_the_millionth(
        text in any_formula(),
        source in (-50_i32..=50, 1_i32..=1_000, 0_i32..=10_000, prop_oneof![0_i32..=100, 0_i32..=100_000_000]),
        target in (-50_i32..=50, 1_i32..=1_000),
        (coef, stacks, level) in (0_i32..=10_000, 1_u32..=1_000, 1_u16..=100),
        (amount, absorbed, crit) in (0_u32..=2_000_000_000, 0_u32..=1_000, any::<bool>()),
    ) {
        if let Ok((program, _)) = compile(&text, &Few, RANGES) {
            let (source, target) = ([source.0, source.1, source.2, source.3], [target.0, target.1]);
            let cause = Trigger { amount, absorbed, crit };
            let scope = Scope { target: Some(&target), coef, stacks, level, cause, ..Scope::of(&source) };
            let wide = program.eval_wide_micro(&scope);
            prop_assert_eq!(program.eval_micro(&scope), wide, "{}", text);
            if let Some(short) = program.eval_short_micro(&scope) {
                prop_assert_eq!(i128::from(short), wide, "{}", text);
            }
            for round in [Rounding::HalfUp, Rounding::Floor, Rounding::Ceil] {
                prop_assert_eq!(i128::from(program.eval(&scope, round)), round.divide(wide, MICRO), "{}", text);
            }
        }
    }

    #[test]
    fn rounding_on_64_bits_is_that_on_128(value in any::<i32>(), by in 1_i64..1_000_000) {
        for round in [Rounding::HalfUp, Rounding::Floor, Rounding::Ceil] {
            let value = i64::from(value);
            let wide = round.divide(i128::from(value), i128::from(by));
            prop_assert_eq!(i128::from(round.divide_short(value, by)), wide);
        }
    }

    #[test]
    fn precedence_is_that_of_a_naive_reading(
        numbers in prop::collection::vec(0_i64..100, 2..8),
        operators in prop::collection::vec(prop::sample::select(&['+', '-', '*'][..]), 7),
    ) {
        let mut text = numbers[0].to_string();
        for (operator, number) in operators.iter().zip(&numbers[1..]) {
            text.push_str(&format!(" {operator} {number}"));
        }
        if let Ok((program, _)) = compile(&text, &Few, RANGES) {
            prop_assert_eq!(program.eval(&Scope::of(&[]), Rounding::HalfUp), naive(&numbers, &operators));
        }
    }

    #[test]
    fn any_text_is_refused_or_runs(text in "[a-c0-9+*/%()<>=!,.'\"_ -]{0,40}") {
        if let Ok((program, interval)) = compile(&text, &Few, RANGES) {
            prop_assert!(interval.contains(program.eval_micro(&Scope::of(&[1, 2, 3]))));
        }
    }

    #[test]
    fn the_fast_paths_agree_with_wide_arithmetic(a in any::<i64>(), b in any::<i64>(), shift in 0_u32..60) {
        let (a, b) = (i128::from(a >> shift), i128::from(b >> (59 - shift)));
        prop_assert_eq!(multiply(a, b), limited(round_divide(a * b, MICRO)));
        let below = root(a);
        prop_assert!(below * below <= a.max(0) * MICRO && (below + 1) * (below + 1) > limited(a).max(0) * MICRO);
        if b != 0 {
            prop_assert_eq!(divide(a, b), limited(round_divide(limited(a) * MICRO, b)));
        }
    }
}
