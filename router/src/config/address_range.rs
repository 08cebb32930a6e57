use std::net::IpAddr;

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads `10.0.0.0/16`, or a single address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(all), |bits| bits.parse().ok().filter(|bits| *bits <= all))?;
        Some(Self { address, bits })
    }

    /// Whether an address is one of them.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = u32::from(own) ^ u32::from(other);
                differing.leading_zeros() >= self.bits.into()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = u128::from(own) ^ u128::from(other);
                differing.leading_zeros() >= self.bits.into()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_shares_their_first_bits() {
        let rows = [
            ("10.0.0.0/16", "10.0.255.1", true),
            ("10.0.0.0/16", "10.1.0.0", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fe80::1", true),
            ("fd00::/8", "fe00::1", false),
        ];
        for (range, address, expected) in rows {
            let range_read = AddressRange::parse(range).unwrap();
            assert_eq!(range_read.contains(address.parse().unwrap()), expected, "{range} {address}");
        }
        for bad in ["", "a", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0"] {
            assert_eq!(AddressRange::parse(bad), None, "{bad}");
        }
    }
}
