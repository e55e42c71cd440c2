//! Weights in headers in which a caller names what it takes (RFC 9110, 12.4.2).

/// The weight in a parameter such as `q=0.5`, in thousandths: 1000 if the parameter is empty; `None` if it is no weight.
pub fn weight_milli(parameter: &str) -> Option<u32> {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return Some(1000);
    }
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let is_number = part.len() <= 3 && part.bytes().all(|digit| digit.is_ascii_digit());
    let thousandths: u32 = format!("{part:0<3}").parse().ok().filter(|_| is_number)?;
    match (whole, thousandths) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1000),
        _ => None,
    }
}
