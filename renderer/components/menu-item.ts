import type { Component } from 'vue';

export interface MenuItem {
  readonly label: string;
  readonly icon?: Component | undefined;
  readonly danger?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  /** A line above it. */
  readonly separated?: boolean | undefined;
  readonly act: () => void;
}
