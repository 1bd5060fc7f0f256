import { createTheme } from '@mantine/core'

/** Mantine as design.md restyles it. Its colours are mapped in mantine.css, so that one attribute on the page switches all. */
export const mantineTheme = createTheme({
  fontFamily: 'var(--font-ui)',
  fontFamilyMonospace: 'var(--font-mono)',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '18px' },
  lineHeights: { xs: '14px', sm: '16px', md: '18px', lg: '22px', xl: '24px' },
  spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
  radius: { xs: '3px', sm: '5px', md: '8px' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  focusRing: 'auto',
  cursorType: 'default',
  components: {
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false, transitionProps: { duration: 90 }, classNames: { tooltip: 'tip' } } },
    Menu: {
      defaultProps: {
        transitionProps: { duration: 90 },
        offset: 4,
        // The placeholder is a child of the menu that is no item: screen readers count it.
        withInitialFocusPlaceholder: false,
        classNames: { dropdown: 'menu', item: 'menu-item', label: 'menu-label head', divider: 'menu-line' },
      },
    },
    Popover: { defaultProps: { transitionProps: { duration: 90 } } },
  },
})
