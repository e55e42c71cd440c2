//! Money as text and as JSON: exact both ways, and exactly the contract's amounts are accepted.

use api::wire::{Amount, AmountInput};
use proptest::prelude::*;
use service::values::Money;

use crate::cases::{UNITS_MAX, hold, money, text_of, units, units_above_zero};

/// Parses `(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?` character by character, without `Money`.
fn naive_units(text: &str) -> Option<i64> {
    let mut whole = String::new();
    let mut fraction: Option<String> = None;
    for character in text.chars() {
        match (character, &mut fraction) {
            ('0'..='9', None) => whole.push(character),
            ('0'..='9', Some(digits)) => digits.push(character),
            ('.', None) => fraction = Some(String::new()),
            _ => return None,
        }
    }
    let whole_fits = whole == "0" || (!whole.starts_with('0') && (1..=14).contains(&whole.len()));
    let fraction_fits = fraction.as_ref().is_none_or(|digits| (1..=4).contains(&digits.len()));
    if !whole_fits || !fraction_fits {
        return None;
    }
    let mut four = fraction.unwrap_or_default();
    while four.len() < 4 {
        four.push('0');
    }
    format!("{whole}{four}").parse().ok()
}

/// Texts that are amounts, resemble amounts, or are arbitrary.
fn amount_texts() -> impl Strategy<Value = String> {
    let near = r"[-+ ]?(0{0,2}|[1-9]?)[0-9]{0,15}(\.|,|\.\.)?[0-9]{0,6}[ eE_f]?[0-9]?";
    let changed = (
        r"(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?",
        any::<prop::sample::Index>(),
        "[-+.,0-9eE ٣x\0]",
    )
        .prop_map(|(text, at, inserted)| {
            let at = at.index(text.len() + 1);
            format!("{}{inserted}{}", &text[..at], &text[at..])
        });
    prop_oneof![
        4 => r"(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?",
        2 => r"(0|[1-9][0-9]{12,16})(\.[0-9]{0,6})?",
        3 => near,
        3 => changed,
        1 => r"\PC{0,12}",
        1 => prop::sample::select(vec![
            "", ".", "0", "00", "0.0", "-0", "0.", ".5", "1e3", "NaN", "inf", "Infinity", "0x10", "1_000", "1,5", "١",
            "99999999999999.9999", "99999999999999.99990", "100000000000000", "9223372036854775808", "1.5\n", "\u{feff}1",
        ]).prop_map(str::to_owned),
    ]
}

#[test]
fn every_amount_reads_back_from_its_text() {
    hold(file!(), &units(), |units| {
        let money = money(units);
        prop_assert_eq!(money.units(), units);
        let text = money.to_string();
        prop_assert_eq!(&text, &text_of(i128::from(units)));
        prop_assert_eq!(text.parse::<Money>(), Ok(money));
        prop_assert_eq!(Money::parse_unsigned(&text).ok(), (units >= 0).then_some(money));
        prop_assert_eq!(format!("{money:?}"), text);
        Ok(())
    });
}

#[test]
fn the_edges_of_the_range_read_back_and_one_more_is_none() {
    for units in [
        -UNITS_MAX,
        -UNITS_MAX + 1,
        -10_000,
        -9_999,
        -1,
        0,
        1,
        9_999,
        10_000,
        UNITS_MAX - 1,
        UNITS_MAX,
    ] {
        let money = money(units);
        assert_eq!(money.to_string(), text_of(i128::from(units)));
        assert_eq!(money.to_string().parse(), Ok(money));
    }
    for units in [UNITS_MAX + 1, -UNITS_MAX - 1, i64::MAX, i64::MIN] {
        assert_eq!(Money::from_units(units), None);
    }
    assert_eq!(Money::MAX.units(), UNITS_MAX);
}

#[test]
fn every_amount_reads_back_from_its_json() {
    hold(file!(), &units(), |units| {
        let money = money(units);
        let json = serde_json::to_string(&Amount(money)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&json, &format!("\"{}\"", text_of(i128::from(units))));
        prop_assert_eq!(serde_json::from_str::<Amount>(&json).ok(), Some(Amount(money)));
        // A caller's amount has no sign. A JSON number is parsed by its digits, not as a float.
        let as_input = AmountInput((units >= 0).then_some(money));
        prop_assert_eq!(serde_json::from_str::<AmountInput>(&json).ok(), Some(as_input));
        let number = text_of(i128::from(units));
        prop_assert_eq!(serde_json::from_str::<AmountInput>(&number).ok(), Some(as_input));
        Ok(())
    });
}

#[test]
fn exactly_the_amounts_of_the_contract_are_read() {
    hold(file!(), &amount_texts(), |text| {
        let expected = naive_units(&text);
        prop_assert_eq!(
            Money::parse_unsigned(&text).ok().map(Money::units),
            expected,
            "{:?}",
            text
        );
        let json = serde_json::to_string(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let input: Option<AmountInput> = serde_json::from_str(&json).ok();
        prop_assert_eq!(
            input.map(|input| input.0.map(Money::units)),
            Some(expected),
            "{:?}",
            json
        );
        // A text that is also a JSON number means the same without its quotes.
        if expected.is_some() {
            let input: Option<AmountInput> = serde_json::from_str(&text).ok();
            prop_assert_eq!(
                input.map(|input| input.0.map(Money::units)),
                Some(expected),
                "{:?}",
                text
            );
        }
        Ok(())
    });
}

#[test]
fn sums_and_differences_are_exact_or_none() {
    let in_range = |sum: i128| (sum.unsigned_abs() <= u128::from(UNITS_MAX.unsigned_abs())).then_some(sum);
    hold(file!(), &(units(), units()), |(one, other)| {
        let (wide_one, wide_other) = (i128::from(one), i128::from(other));
        let exact = |result: Option<Money>| result.map(|money| i128::from(money.units()));
        prop_assert_eq!(
            exact(money(one).checked_add(money(other))),
            in_range(wide_one + wide_other)
        );
        prop_assert_eq!(
            exact(money(one).checked_sub(money(other))),
            in_range(wide_one - wide_other)
        );
        prop_assert_eq!(i128::from(money(one).negated().units()), -wide_one);
        prop_assert_eq!(money(one).cmp(&money(other)), one.cmp(&other));
        Ok(())
    });
}

#[test]
fn decimals_of_any_scale_are_read_exactly_or_not_at_all() {
    let decimals = (any::<i128>(), 0_u32..=28, 0_u32..=96).prop_map(|(mantissa, scale, bits)| {
        let mantissa = mantissa % (1_i128 << bits);
        (mantissa, scale)
    });
    let scaled = (units(), 0_u32..=10).prop_map(|(units, zeros)| (i128::from(units) * 10_i128.pow(zeros), 4 + zeros));
    hold(file!(), &prop_oneof![decimals, scaled], |(mantissa, scale)| {
        let decimal = sea_orm::prelude::Decimal::from_i128_with_scale(mantissa, scale);
        // Ten-thousandths, if they are whole: mantissa * 10^4 / 10^scale.
        let expected = if scale <= 4 {
            mantissa.checked_mul(10_i128.pow(4 - scale))
        } else {
            let divisor = 10_i128.pow(scale - 4);
            (mantissa % divisor == 0).then_some(mantissa / divisor)
        };
        let expected = expected.filter(|units| units.unsigned_abs() <= u128::from(UNITS_MAX.unsigned_abs()));
        prop_assert_eq!(
            Money::from_decimal(decimal).map(|money| i128::from(money.units())),
            expected
        );
        Ok(())
    });
}

#[test]
fn money_becomes_a_decimal_with_four_decimals_and_back() {
    hold(file!(), &units_above_zero(), |units| {
        for money in [money(units), money(-units)] {
            let decimal = money.to_decimal();
            prop_assert_eq!((decimal.mantissa(), decimal.scale()), (i128::from(money.units()), 4));
            prop_assert_eq!(decimal.to_string(), money.to_string());
            prop_assert_eq!(Money::from_decimal(decimal), Some(money));
        }
        Ok(())
    });
}
