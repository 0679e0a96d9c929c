//! Variable-length integers of records and of compact lengths. Pure.

/// Appends a zigzag integer, as records have them.
pub fn write_signed(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends an unsigned integer in groups of seven bits, lowest first.
pub fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Reads a zigzag integer off the front of `bytes`; none if it is cut short or longer than ten groups.
pub fn read_signed(bytes: &mut &[u8]) -> Option<i64> {
    let mut value = 0_u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for value in [0, 1, -1, 63, 64, -64, -65, 1 << 20, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_signed(&mut out, value);
            let mut rest = out.as_slice();
            assert_eq!((read_signed(&mut rest), rest.len()), (Some(value), 0));
        }
        assert_eq!(read_signed(&mut &[0x80][..]), None);
        assert_eq!(read_signed(&mut &[0xff; 11][..]), None);
    }
}
