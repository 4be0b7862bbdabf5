// The mark: a bird on its way home.

export function Bird({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <rect width="64" height="64" rx="17" fill="var(--accent)" />
      <path
        d="M10 21c11-1 18 3 24 10 2-10 9-17 22-20-5 6-7 11-7 17 5-1 9 1 12 4-6 0-10 2-14 5-7 8-16 11-26 8 4-2 7-5 9-8-8-2-15-7-20-16z"
        transform="translate(-2.5 4)"
        fill="var(--on-accent)"
      />
    </svg>
  );
}
