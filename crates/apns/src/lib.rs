//! Apple's provider protocol: request headers, push types, the table of reasons, provider tokens, certificates.
