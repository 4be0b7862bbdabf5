// Buttons in the page's few looks. What a button does is its owner's; a button that can't be used now says why to
// whoever reaches it, instead of being out of reach.

import type { ButtonHTMLAttributes, MouseEvent, ReactNode } from "react";
import styles from "./Button.module.css";
import { Icon, type IconName } from "./Icon";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  look?: "primary" | "plain" | "quiet" | "danger";
  size?: "normal" | "small";
  icon?: IconName;
  /** Why it can't be used now. */
  unless?: string | undefined;
  children?: ReactNode;
}

export function Button({ look = "plain", size = "normal", icon, unless, children, onClick, ...rest }: Props) {
  const click = (event: MouseEvent<HTMLButtonElement>) => {
    if (unless !== undefined) {
      event.preventDefault();
      return;
    }
    onClick?.(event);
  };
  return (
    <button
      type="button"
      {...rest}
      className={styles.button}
      data-look={look}
      data-size={size}
      aria-disabled={unless !== undefined || undefined}
      title={unless ?? rest.title}
      onClick={click}
    >
      {icon !== undefined && <Icon name={icon} size={size === "small" ? 16 : 18} />}
      {children}
    </button>
  );
}

/** A button that is only an icon; `label` is its name. */
export function IconButton({
  label,
  icon,
  ...rest
}: Omit<Props, "children" | "icon" | "size"> & { label: string; icon: IconName }) {
  const { unless: _, look = "quiet", ...attributes } = rest;
  return (
    <button
      type="button"
      {...attributes}
      className={styles.icon}
      data-look={look}
      aria-label={label}
      title={attributes.title ?? label}
    >
      <Icon name={icon} />
    </button>
  );
}
