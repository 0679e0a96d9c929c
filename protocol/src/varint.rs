//! The variable-length integers inside records and in compact lengths: little-endian groups of seven bits, zigzag for the sign. Pure.

/// Reads an `i32` off the front of `bytes`; none if it is cut short or longer than five groups.
pub fn read_i32(bytes: &mut &[u8]) -> Option<i32> {
    let mut value = 0u32;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value >> 1) as i32 ^ -((value & 1) as i32));
        }
    }
    None
}

/// Reads an `i64` off the front of `bytes`; none if it is cut short or longer than ten groups.
pub fn read_i64(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

/// Appends `value`.
pub fn write_i32(out: &mut Vec<u8>, value: i32) {
    write_i64(out, i64::from(value));
}

/// Appends `value`.
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    write_u64(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends `value` without a sign's zigzag, as compact lengths are written.
pub fn write_u64(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Bytes that `value` takes: 1 to 10.
pub fn bytes_of(value: i64) -> usize {
    let groups = ((value << 1) ^ (value >> 63)) as u64;
    ((64 - (groups | 1).leading_zeros()) as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_have_known_bytes() {
        for (value, expected) in [
            (0i32, &[0u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
            (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ] {
            let mut out = Vec::new();
            write_i32(&mut out, value);
            assert_eq!(out, expected);
            assert_eq!(read_i32(&mut &out[..]), Some(value));
        }
    }

    #[test]
    fn endless_or_cut_varints_are_none() {
        assert_eq!(read_i32(&mut &[0xff; 5][..]), None);
        assert_eq!(read_i64(&mut &[0xff; 10][..]), None);
        assert_eq!(read_i32(&mut &[0x80][..]), None);
        assert_eq!(read_i64(&mut &[][..]), None);
    }

    #[test]
    fn values_around_every_power_of_two_round_trip() {
        let around = (0..64).flat_map(|power| [-1, 0, 1].map(|step| (1_i64 << power).wrapping_add(step)));
        for value in around.flat_map(|value| [value, value.wrapping_neg()]).chain([i64::MIN, i64::MAX]) {
            let mut out = Vec::new();
            write_i64(&mut out, value);
            assert_eq!(out.len(), bytes_of(value), "{value}");
            let mut rest = &out[..];
            assert_eq!((read_i64(&mut rest), rest.len()), (Some(value), 0));
        }
    }
}
